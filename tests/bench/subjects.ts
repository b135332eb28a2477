/**
 * Which subjects there are: the floor and the bridge with each cache, from source and compiled.
 *
 * @module
 */

import type { BenchOptions } from "./options.ts";
import { type Command, compile, fromSource, type Subject } from "./subject.ts";

const CACHE = "message-cache-class";

/** The bridge's flags for each cache. */
function cacheFlags(
  folder: string,
  redisUrl: string,
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return {
    memory: { [CACHE]: "MemoryMessageCache" },
    deno_kv: {
      [CACHE]: "DenoKvMessageCache",
      "message-cache-config-path": `${folder}/cache.kv`,
    },
    redis: { [CACHE]: "RedisMessageCache", "message-cache-config-url": redisUrl },
  };
}

/** What {@linkcode findSubjects} is told of where it is. */
export interface Surroundings {
  /** For binaries, and for the cache's file. */
  readonly folder: string;
  /** A Redis that runs; empty if none is needed. */
  readonly redisUrl: string;
  /** Tells the person who waits. */
  readonly say: (line: string) => void;
}

/** Those of the options that can be had here. Says what can't, and why. */
export async function findSubjects(
  { subjects, forms, processes }: BenchOptions,
  { folder, redisUrl, say }: Surroundings,
): Promise<Subject[]> {
  const found: Subject[] = [];
  for (const form of forms) {
    const suffix = form === "source" ? "" : `, ${form}`;
    const commands = form === "source"
      ? { floor: fromSource("tests/bench/floor.ts"), bridge: fromSource("src/main.ts") }
      : await compileBoth(folder, say);
    if (commands === undefined) continue;
    const floor = `floor${suffix}`;
    if (subjects.includes("floor")) {
      found.push({ name: floor, base: floor, processes: 1, command: commands.floor, flags: {} });
    }
    for (const [cache, flags] of Object.entries(cacheFlags(folder, redisUrl))) {
      if (!subjects.includes(cache)) continue;
      const name = `${cache}${suffix}`;
      found.push({ name, base: floor, processes: 1, command: commands.bridge, flags });
    }
  }
  return found.flatMap((subject) => processes.flatMap((count) => timesOver(subject, count, say)));
}

/** The same by so many processes, compared with one. */
function timesOver(
  subject: Subject,
  count: number,
  say: Surroundings["say"],
): Subject | readonly Subject[] {
  if (count === 1) return subject;
  const { name, flags } = subject;
  if (flags[CACHE] !== "MemoryMessageCache") {
    return { ...subject, name: `${name} × ${count}`, base: name, processes: count };
  }
  say(`Left out: ${name} × ${count}: what one remembers the others can't know`);
  return [];
}

async function compileBoth(
  folder: string,
  say: (line: string) => void,
): Promise<{ floor: Command; bridge: Command } | undefined> {
  say("Compiling …");
  const [floor, bridge] = [`${folder}/floor`, `${folder}/turn-channels`] as const;
  const fault = await compile("tests/bench/floor.ts", floor) ??
    await compile("src/main.ts", bridge);
  if (fault === undefined) return { floor: [floor], bridge: [bridge] };
  say(`Left out: it can't be compiled here: ${fault}`);
  return undefined;
}
