/**
 * Writes the table of all keys into docs/configuration.md: `deno run -A tests/write_reference.ts`.
 *
 * @module
 */

import { configReference } from "./config/reference.ts";

const file = new URL("../docs/configuration.md", import.meta.url);
const text = await Deno.readTextFile(file);
const table = () => `<!-- reference -->\n\n${configReference().trim()}\n\n<!-- /reference -->`;
await Deno.writeTextFile(file, text.replace(/<!-- reference -->[^]*<!-- \/reference -->/, table));
