import assert from "node:assert/strict";
import { problemsOf } from "../../src/service/problems.ts";
import type { ChannelStatus } from "../../src/service/status.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const MINUTE = 60_000;

const WELL = { lost: 0, stalledMs: 0, agoMs: 0 };

function problems(
  log: { lost: number; stalledMs: number; agoMs: number },
  channels: readonly ChannelStatus[] = [],
) {
  const since = new Date(NOW - log.agoMs).toISOString();
  const state = { state: "ok", since };
  return problemsOf({
    version: "1",
    now: new Date(NOW).toISOString(),
    started: since,
    broker: { state: "open", since },
    cache: state,
    delayed: 0,
    log: { lost: log.lost, stalledMs: log.stalledMs, since },
    channels,
  }).map(({ text, command }) => `${text}: ${command}`);
}

Deno.test("problemsOf() tells of lines that the log has lost for a quarter of an hour", () => {
  const explain = "turn-channels explain LogStalled";
  assert.deepEqual(problems({ lost: 0, stalledMs: 0, agoMs: 0 }), []);
  assert.deepEqual(problems({ lost: 3, stalledMs: 0, agoMs: MINUTE }), [
    "The log could not be written, and has lost 3 lines since the start, the last at " +
    `2026-11-30 11:59:00: ${explain}`,
  ]);
  assert.deepEqual(problems({ lost: 3, stalledMs: 0, agoMs: 15 * MINUTE }), []);
  assert.deepEqual(problems({ lost: 3, stalledMs: 61_000, agoMs: 15 * MINUTE }), [
    `The log has not been written for 61 s: ${explain}`,
  ]);
});

Deno.test("problemsOf() does not say to wait for Turn where it is the token that it refuses", () => {
  const since = new Date(NOW).toISOString();
  const rates = { minute: 0, hour: 0 };
  const channel = (refuses_token: boolean): ChannelStatus => ({
    connector: "c",
    transport_type: "sms",
    speaker: { state: "this", since },
    flows: { inbound: rates, outbound: rates, status: rates },
    queues: {},
    in_hand: { inbound: 3, event: 0 },
    turn: { state: "down", since, last_success: null, refuses_token, waiting: 0, limits: [] },
    faults: {},
  });
  assert.deepEqual(problems(WELL, [channel(false), channel(true)]), [
    "Turn has been down since 2026-11-30 12:00:00: turn-channels explain TurnDown",
    "Turn has refused auth_token since 2026-11-30 12:00:00: turn-channels explain TurnRefusesToken",
  ]);
});
