/**
 * Holds the house to its plan (docs/developing.md, "Rooms"): which room may import which, through which
 * door, without cycles, in files that can be read in one go.
 *
 * @module
 */

import assert from "node:assert/strict";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const LONGEST_FILE = 300;

/** Whom each room may import. `main.ts` counts as a room. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "main.ts": ["cli"],
  cli: [
    ...["config", "turn", "vumi", "broker", "cache", "telemetry", "async"],
    ...["service", "inspect", "preview", "simulator"],
  ],
  service: ["config", "turn", "vumi", "broker", "cache", "bridge", "telemetry", "async"],
  inspect: ["vumi", "cache", "broker", "bridge", "async"],
  simulator: ["turn", "vumi", "content", "broker", "telemetry", "async"],
  bridge: ["turn", "vumi", "cache", "content", "telemetry", "async"],
  preview: ["content", "turn", "async"],
  content: ["turn"],
  turn: ["telemetry", "async"],
  vumi: ["broker", "telemetry", "async"],
  cache: ["vumi", "telemetry", "async"],
  broker: ["telemetry", "async"],
  telemetry: ["async"],
  config: [],
  package: [],
  async: [],
};

/** Arrows of which only types may come along. */
const TYPES_ONLY = new Set(["cache → vumi", "content → turn", "preview → turn"]);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

Deno.test("each file is in a room, and reads in one go", async () => {
  for (const file of await sourceFiles()) {
    assert.ok(room(file) in ARROWS, `${file} is in no room`);
    const lines = (await Deno.readTextFile(join(SRC, file))).split("\n").length - 1;
    assert.ok(lines <= LONGEST_FILE, `${file} has ${lines} lines, more than ${LONGEST_FILE}`);
  }
});

Deno.test("rooms import only whom they may, through the front door", async () => {
  for (const { from, to, typeOnly } of await imports()) {
    if (to === "../deno.json" || room(from) === room(to)) continue;
    const arrow = `${room(from)} → ${room(to)}`;
    assert.ok(ARROWS[room(from)]?.includes(room(to)), `${from} imports ${to}: no arrow ${arrow}`);
    assert.ok(typeOnly || !TYPES_ONLY.has(arrow), `${from} imports ${to}: only types may`);
    const isDoor = to.endsWith("/mod.ts") || ["cli", "service"].includes(room(from));
    assert.ok(isDoor, `${from} imports ${to}: only its room's mod.ts is for others`);
  }
});

Deno.test("no arrow is left that nobody needs", async () => {
  const used = new Set((await imports()).map(({ from, to }) => `${room(from)} → ${room(to)}`));
  for (const [from, targets] of Object.entries(ARROWS)) {
    for (const to of targets) assert.ok(used.has(`${from} → ${to}`), `${from} → ${to}`);
  }
});

Deno.test("no front door opens on an adapter", async () => {
  const adapters = [
    "broker/rabbitmq/rabbitmq_broker.ts",
    "broker/memory/memory_broker.ts",
    "cache/memory.ts",
    "cache/deno_kv/deno_kv_store.ts",
    "cache/redis/redis_store.ts",
  ];
  const files = await sourceFiles();
  for (const adapter of adapters) assert.ok(files.includes(adapter), `${adapter} is gone`);
  for (const { from, to } of await imports()) {
    assert.ok(!(from.endsWith("mod.ts") && adapters.includes(to)), `${from} re-exports ${to}`);
  }
});

Deno.test("no file imports itself by a detour", async () => {
  const targets = new Map<string, string[]>();
  for (const { from, to, typeOnly } of await imports()) {
    if (!typeOnly) targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `a cycle: ${[...path, file].join(" → ")}`);
    if (done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
});

Deno.test("only one file of the program reads the environment", async () => {
  const readers = [];
  for (const file of await sourceFiles()) {
    if (room(file) === "package") continue;
    if ((await Deno.readTextFile(join(SRC, file))).includes("Deno.env")) readers.push(file);
  }
  assert.deepEqual(readers, ["cli/program.ts"]);
});

Deno.test("only one file listens to signals that are aborted", async () => {
  const listeners = [];
  for (const file of await sourceFiles()) {
    const text = await Deno.readTextFile(join(SRC, file));
    if (/addEventListener\(\s*"abort"|\bonabort\b/.test(text)) listeners.push(file);
  }
  assert.deepEqual(listeners, ["async/abort.ts"], "others use onAbort()");
});

Deno.test("docs/developing.md has the same rooms and arrows", async () => {
  const text = await Deno.readTextFile(join(SRC, "../docs/developing.md"));
  const [, table = ""] = /^\| room [^]*?\n((?:\|.*\n)+)/m.exec(text) ?? [];
  const told = [...table.matchAll(/^\| `(.+?)` +\|.*\| (.*?) *\|$/gm)].map(([, name, list = ""]) =>
    [name, list.replaceAll(" (types)", "").split(", ").filter(Boolean).sort()] as const
  );
  const held = Object.entries(ARROWS).map(([name, list]) => [name, [...list].sort()]);
  assert.deepEqual(Object.fromEntries(told), Object.fromEntries(held));
});

function room(file: string): string {
  return file.split("/")[0] ?? file;
}

async function sourceFiles(folder = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(SRC, folder))) {
    const path = join(folder, name);
    if (isDirectory) files.push(...await sourceFiles(path));
    else if (/\.[jt]s$/.test(name)) files.push(path);
  }
  assert.ok(folder !== "" || files.length > 0, "there are no sources");
  return files.sort();
}

async function imports(): Promise<Import[]> {
  const found: Import[] = [];
  for (const from of await sourceFiles()) {
    const text = await Deno.readTextFile(join(SRC, from));
    const statements = text.matchAll(
      /^(import|export)\b(\s+type\b)?[^;"]*?(?:\bfrom\s+)?"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"/gm,
    );
    for (const [, , type, fixed, dynamic = ""] of statements) {
      const to = relative(SRC, normalize(join(SRC, dirname(from), fixed ?? dynamic)));
      found.push({ from, to, typeOnly: type !== undefined });
    }
  }
  assert.ok(found.length > 30, "the expression that finds imports finds none");
  return found;
}
