/**
 * Which test files touch a broker: those that import rabbitmq.ts, themselves or by others. So there is
 * no list to be kept.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

const BROKER = new URL("rabbitmq.ts", import.meta.url).href;
const TESTS = new URL("../", import.meta.url);

/** Their paths. */
export async function brokerTests(): Promise<string[]> {
  const known = new Map<string, Promise<readonly string[]>>();
  const found: string[] = [];
  for await (const file of testsIn(TESTS)) {
    if (await reaches(file, known, new Set())) found.push(fileURLToPath(file));
  }
  return found.sort();
}

async function* testsIn(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* testsIn(new URL(`${name}/`, folder));
    else if (name.endsWith("_test.ts")) yield new URL(name, folder).href;
  }
}

/** Whether a file is the broker's, or imports it; `seen` are those that were looked at before. */
async function reaches(
  file: string,
  known: Map<string, Promise<readonly string[]>>,
  seen: Set<string>,
): Promise<boolean> {
  if (file === BROKER) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  const imports = known.get(file) ?? importsOf(file);
  known.set(file, imports);
  for (const each of await imports) if (await reaches(each, known, seen)) return true;
  return false;
}

/** The modules of our own that a file imports for more than their types. */
async function importsOf(file: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(new URL(file));
  const found = text.matchAll(/^(?:import|export)(?! type)[^;"']*?["'](\.[^"']+)["'];/gm);
  return [...found].map(([, path = ""]) => new URL(path, file).href).filter(isTests);
}

/** The program itself imports no test. */
function isTests(file: string): boolean {
  return file.startsWith(TESTS.href);
}
