/**
 * A bridge whose log nobody takes: what must hold for each way in which that can be so.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { send } from "../support/fake_turn.ts";
import { freePort } from "../support/free_port.ts";
import type { Program } from "../support/program.ts";
import { readSamples } from "../../src/telemetry/mod.ts";
import { type OutputKind, StuckOutput } from "../support/stuck_output.ts";
import { until } from "../support/until.ts";

/** More than is kept: each is logged with what it says. */
const REQUESTS = 14;
const TEXT = "x".repeat(1_000_000);

/** A log that can't be written. */
export interface StuckLog {
  readonly kind: OutputKind;
  /** Makes it so; otherwise it is from the start. */
  readonly begin?: (output: StuckOutput) => Promise<void>;
  /** Makes it writable; otherwise it never is. Answers all that was written, when there is something new. */
  readonly end?: (output: StuckOutput) => Promise<() => string | Promise<string>>;
}

/** Runs a bridge on it, which must work and stop as ever, count what is lost, and tell of it in the end. */
export async function worksWithStuckLog(
  program: Program,
  { kind, begin, end }: StuckLog,
): Promise<void> {
  const address = `http://127.0.0.1:${freePort()}`;
  const args = [
    "run",
    "--connector-name=c",
    `--http-bind=${address.slice("http://".length)}`,
    "--turn-api-url=http://127.0.0.1:9",
    "--auth-token=token",
    `--turn-hmac-secret=${SECRET}`,
    "--default-from-addr=8110",
    "--amqp-url=memory:",
    "--log-content=true",
    "--max-body-bytes=2000000",
  ];
  await using output = new StuckOutput(program, args, kind);
  const isAlive = async (): Promise<boolean> => {
    const answer = await fetch(`${address}/livez`);
    await answer.body?.cancel();
    return answer.status === 200;
  };
  await until("a start", () => isAlive().catch(() => false));
  await begin?.(output);
  for (let n = 0; n < REQUESTS; n++) {
    const body = { to: "+26612345678", turn: { type: "text", text: { body: TEXT } } };
    const answer = await send(`${address}/messages`, body, { secret: SECRET });
    assert.equal(answer.status, 200, await answer.text());
  }
  const lost = await metric(address, "turn_channels_log_lost_lines_total");
  assert.ok(lost > 0 && lost < REQUESTS, `${lost} lines lost`);
  assert.ok(await metric(address, "turn_channels_log_stalled_seconds") > 0);
  assert.ok(await isAlive());
  const written = await end?.(output);
  if (written) {
    const lines = (text: string): Record<string, unknown>[] =>
      text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    const isTold = async () =>
      lines(await written()).some(({ message, count }) =>
        String(message).includes("lines of the log were lost") && count === lost
      );
    await until("a line about those that were lost", isTold);
    const done = lines(await written()).filter(({ message }) =>
      String(message).startsWith("Done:")
    );
    assert.equal(done.length, REQUESTS - lost);
    assert.equal(await metric(address, "turn_channels_log_stalled_seconds"), 0);
  }
  Deno.kill(await output.pid(), "SIGTERM");
  assert.equal(await output.ended(), 0);
  if (written) assert.match(await written(), /"Stopped"[^\n]*\n$/);
}

async function metric(address: string, name: string): Promise<number> {
  const response = await fetch(`${address}/metrics`);
  const [sample = assert.fail(name)] = readSamples(await response.text(), name);
  return sample.value;
}

const close = (output: StuckOutput): Promise<void> => output.reader("close");
const read = async (output: StuckOutput): Promise<() => string> => {
  await output.reader("read");
  return () => output.read();
};

/** Those that need no disk, by what they are. */
export const STUCK_LOGS: Readonly<Record<string, StuckLog>> = {
  "a pipe whose reader hangs": { kind: "pipe", end: read },
  "a pipe whose reader is gone": { kind: "pipe", begin: close },
  "a socket that is closed": { kind: "socket", begin: close },
  "a full pipe that does not block": { kind: "nonblocking", end: read },
  "a full device": { kind: "/dev/full" },
};
