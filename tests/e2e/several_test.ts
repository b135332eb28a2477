/**
 * Several channels in one program: what befalls one of them is not felt by the others.
 *
 * @module
 */

import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";
import { get, sendTo, Several, type Sides, told } from "../support/several.ts";
import { until } from "../support/until.ts";

const FLOOD = 30_000;

/** A figure for whoever reads the log of the tests. */
function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Users' messages, each from one of 50 users. */
function messages(count: number, run: string): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, n) => ({
    message_id: `${run}-${n}`,
    to_addr: "8110",
    from_addr: `+266${n % 50}`,
    transport_name: "t",
    transport_type: "sms",
    message_version: "20110921",
    message_type: "user_message",
    timestamp: "2015-06-15 13:00:00.000000",
    content: "Hi",
  }));
}

/** How long a channel takes for 400 messages from users, and for a request of Turn's; milliseconds. */
async function measure(address: string, channel: Sides, run: string) {
  const { turn, transport } = channel;
  const count = turn.calls.length + 400;
  const started = performance.now();
  await transport.publishAll("inbound", messages(400, run), {});
  await turn.received(count);
  const inbound = performance.now() - started;
  const latencies: number[] = [];
  for (let n = 0; n < 100; n++) {
    const before = performance.now();
    assert.equal((await sendTo(address, channel, `${run} ${n}`)).status, 200);
    latencies.push(performance.now() - before);
  }
  return { inbound, outbound: median(latencies) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** The better of two, as the machine does other things too. */
async function measureTwice(address: string, channel: Sides, run: string) {
  const [a, b] = [
    await measure(address, channel, `${run}-1`),
    await measure(address, channel, `${run}-2`),
  ];
  return {
    inbound: Math.min(a.inbound, b.inbound),
    outbound: Math.min(a.outbound, b.outbound),
  };
}

Deno.test("a dead Turn, a rate limit and a flood that is parked are not felt by another channel", async () => {
  await using several = await Several.prepare(4);
  const [dead, limited, flooded, well] = [0, 1, 2, 3].map((index) => several.at(index));
  assert.ok(dead && limited && flooded && well);
  const nobody = `http://127.0.0.1:${freePort()}`;
  await several.configure({}, (index) => index === 0 ? { turn_api_url: nobody } : {});
  await using running = await several.start();
  const quiet = await measureTwice(running.address, well, "quiet");

  for (let n = 0; n < 40; n++) await dead.transport.sendInbound({ from_addr: `+${n}` });
  limited.turn.answer = () =>
    Response.json({}, {
      headers: {
        "X-Ratelimit-Limit": "1",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": String(Math.ceil(Date.now() / 1000) + 60),
      },
    });
  await limited.transport.publishAll("inbound", messages(400, "limited"), {});
  flooded.turn.answer = () => new Response("{}", { status: 404 });
  await flooded.transport.publishAll("inbound", messages(FLOOD, "flood"), {});
  const health = async () =>
    JSON.parse((await get(`${running.address}/health`)).text).components.turn;
  await until(
    "the breaker to open",
    async () => (await health()).channels[dead.connector].breaker !== "closed",
  );
  await until("the rate limit", () => limited.turn.calls.length > 0);

  const troubled = await measureTwice(running.address, well, "troubled");
  const parked = await flooded.transport.passiveDepth("inbound.parked");
  assert.ok(parked > 0 && parked < FLOOD - 1000, `the flood was not going on: ${parked} parked`);
  // Those that were on their way before Turn said so, and a try or two.
  assert.ok(limited.turn.calls.length < 100, `no rate limit: ${limited.turn.calls.length} calls`);
  assert.equal((await health()).channels[dead.connector].health, "degraded");
  const ratio = {
    inbound: troubled.inbound / quiet.inbound,
    outbound: troubled.outbound / quiet.outbound,
  };
  say(`beside trouble: ${ratio.inbound.toFixed(1)} and ${ratio.outbound.toFixed(1)} times as long`);
  // They share the processor with the flood, and nothing else: what waits for another's Turn waits for
  // seconds. A machine that others use may take some of these.
  const isFelt = (["inbound", "outbound"] as const).some((flow) =>
    troubled[flow] > 8 * quiet[flow] + 500
  );
  assert.ok(!isFelt, JSON.stringify({ quiet, troubled }));
});

/** Starts it and says how long it took, and what memory it takes then. */
async function startMeasured(several: Several) {
  const before = performance.now();
  const running = await several.start();
  const ms = Math.round(performance.now() - before);
  const rss = async () => {
    const { text } = await get(`${running.address}/metrics`);
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 2 ** 20;
  };
  return { running, ms, rss };
}

Deno.test("of fifty channels in one program one has a dead Turn, and the others deliver", async () => {
  await using several = await Several.prepare(50);
  const DEAD = 7;
  const nobody = `http://127.0.0.1:${freePort()}`;
  await several.configure({}, (index) => index === DEAD ? { turn_api_url: nobody } : {});
  const { running, ms, rss } = await startMeasured(several);
  await using _running = running;
  const atRest = await rss();
  const { transport } = several.at(DEAD);
  await Promise.all(
    several.channels.map(({ transport }, index) =>
      transport.publishAll("inbound", messages(100, `c${index}`), {})
    ),
  );
  const alive = several.channels.filter((_, index) => index !== DEAD);
  await Promise.all(alive.map(({ turn }) => turn.received(100)));
  for (const channel of several.channels) {
    assert.equal((await sendTo(running.address, channel, "Hi")).status, 200);
    await channel.transport.received(1);
  }
  for (const channel of alive) {
    const [first = ""] = told(channel);
    const name = first.split("-")[0];
    assert.ok(told(channel).every((id) => id.startsWith(`${name}-`)), "another channel's message");
    assert.equal(new Set(told(channel)).size, 100);
  }
  await until(
    "no more to be taken in hand than may be at once",
    async () => await transport.passiveDepth("inbound") === 80,
  );
  const atWork = await rss();
  assert.equal(await running.stop("SIGTERM"), 0);
  await until("all to be back", async () => await transport.passiveDepth("inbound") === 100);
  assert.equal(await transport.depth("inbound.parked"), 0);
  say(`50 channels: ready after ${ms} ms, ${atRest.toFixed()} MB, ${atWork.toFixed()} MB at work`);
  const one = await aloneMb();
  say(`1 channel: ${one.toFixed()} MB`);
  // A program each would be 100 MB each.
  assert.ok(atRest - one < 250 && atWork - one < 500, `${one}, ${atRest}, ${atWork} MB`);
});

/** The memory of a program with one channel. */
async function aloneMb(): Promise<number> {
  await using several = await Several.prepare(1);
  const { running, rss } = await startMeasured(several);
  await using _running = running;
  return await rss();
}
