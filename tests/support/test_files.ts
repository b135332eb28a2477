/**
 * The files of tests, and which of them touch a broker. Both are known from what they import of
 * `tests/`, themselves or by others, so that there is no list to be kept.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { BrokerChoice } from "./broker_choice.ts";

const BROKER = new URL("rabbitmq.ts", import.meta.url).href;
const TESTS = new URL("../", import.meta.url).href;

/**
 * Tests that touch a broker, and are about words, screens, addresses, files, certificates, HTTP, Redis and
 * what is remembered: to them a queue is a queue, whatever its type and the server's version.
 */
const ANY_BROKER_DOES = new RegExp(
  "^(cli/(?!check|parked)|service/|simulator/|telemetry/|compiled_|story_|broker/rabbitmq/tls_|e2e/(" +
    [
      ...["redis_", "content_", "menus_", "pages_", "split_", "vumi2_", "smpp_", "aat_", "turns_"],
      ...["hold_", "late_", "resume_", "sessions_", "unmerged_", "several_", "cache_faults_"],
      ...["turn_down_", "token_", "repeats_", "trace_", "metrics_", "outbound_"],
      ...["throttled_", "sms_rate_"],
    ].join("|") + "))",
);

/** What is made and installed is the same, whatever Deno and broker the tests are run with. */
const ONCE = /^package\/package_/;

/** What `deno task chaos --broker 4.3 --queues quorum`, the next thing in CI, runs in longer forms. */
const IN_CHAOS = /^chaos\/short_(broker_)?test/;

/**
 * The paths of all, or of those to which a broker's version and the type of its queues can matter. Those
 * come first that import most: they start most, and so take longest, and no long one is left for the end.
 */
export async function testFiles(
  { onlyBroker, choice: { version, queues } }: {
    readonly onlyBroker: boolean;
    readonly choice: BrokerChoice;
  },
): Promise<string[]> {
  const known = new Map<string, readonly string[]>();
  const found: { file: string; imports: ReadonlySet<string> }[] = [];
  for await (const file of testsIn(TESTS)) {
    found.push({ file, imports: await importsOf(file, known) });
  }
  return found
    .filter(({ file, imports }) => {
      const name = file.slice(TESTS.length);
      if (ONCE.test(name)) return version === "own" && queues === "classic" && !onlyBroker;
      if (IN_CHAOS.test(name) && version === "4.3" && queues === "quorum") return false;
      const isBrokers = imports.has(BROKER) && !ANY_BROKER_DOES.test(name);
      return isBrokers || !onlyBroker;
    })
    .sort((a, b) => b.imports.size - a.imports.size || (a.file < b.file ? -1 : 1))
    .map(({ file }) => fileURLToPath(file));
}

async function* testsIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder))) {
    if (isDirectory) yield* testsIn(`${folder}${name}/`);
    else if (name.endsWith("_test.ts")) yield `${folder}${name}`;
  }
}

/** A file and all of `tests/` that it imports for more than its types, however far; adds to `found`. */
async function importsOf(
  file: string,
  known: Map<string, readonly string[]>,
  found: Set<string> = new Set(),
): Promise<Set<string>> {
  if (found.has(file)) return found;
  found.add(file);
  const imports = known.get(file) ?? await directImportsOf(file);
  known.set(file, imports);
  for (const each of imports) await importsOf(each, known, found);
  return found;
}

/** The program itself imports no test. */
async function directImportsOf(file: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(new URL(file));
  const found = text.matchAll(/^(?:import|export)(?! type)[^;"']*?["'](\.[^"']+)["'];/gm);
  const imports = [...found].map(([, path = ""]) => new URL(path, file).href);
  return imports.filter((each) => each.startsWith(TESTS));
}
