/**
 * Writes flows/ and screens/ anew: `deno run -A tests/preview/write_flows.ts`. What has changed in
 * screens/ is to be read before it is committed.
 *
 * @module
 */

import { buildFlow } from "./flow_builder.ts";
import { FLOWS } from "./flow_specs.ts";
import { allPrinted } from "./printed.ts";

for (const [name, spec] of Object.entries(FLOWS)) {
  const file = new URL(`flows/${name}.json`, import.meta.url);
  await Deno.writeTextFile(file, `${JSON.stringify(buildFlow(spec), undefined, 2)}\n`);
}
for (const [name, text] of allPrinted()) {
  await Deno.writeTextFile(new URL(`screens/${name}`, import.meta.url), text);
}
