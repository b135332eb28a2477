/**
 * Scenario 9: what comes in at each entry is malformed.
 *
 * @module
 */

import { sign, SIGNATURE_HEADER } from "../../src/turn/mod.ts";
import { decodeEvent, decodeMessage } from "../../src/vumi/mod.ts";
import { until } from "../support/until.ts";
import { SECRET } from "./load.ts";
import { spoil, type Tree } from "./mutations.ts";
import type { End, Letter } from "./operator.ts";
import { pause, userOf, wishesOf } from "./people.ts";
import { below, newId, pick, type Random, randomOf } from "./random.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import { World } from "./world.ts";

/** How large scenario 9 is. */
export interface MalformedSize {
  /** Inputs at each entry. */
  readonly each: number;
}

/** Small, so that bodies that are too large cost little. */
const MAX_BODY_BYTES = 150_000;
/** What an idle process may take of a core, and of memory, in MiB. */
const IDLE = { load: 0.25, residentMiB: 700 };

/** 9: malformed input at each entry: HTTP, messages from users, events. */
export async function malformed(run: Run, { each }: MalformedSize): Promise<Report> {
  const reporter = new Reporter(`9 ${each} malformed inputs at each entry`, run);
  await using world = await World.make({
    url: run.url,
    config: {
      max_body_bytes: MAX_BODY_BYTES,
      // What can be read and can't be remembered, say, is to be parked while this looks on.
      ...{ max_retries: 1, retry_schedule: [0.5], retry_for: 3 },
    },
  });
  await world.bridge.start();
  await world.bridge.healthy();
  await world.load({ concurrency: 1 }).send(wishesOf(run.seed, 1, 1));
  // Of one that still waits to be sent nothing can be said; it is not sent any more then.
  await until("the message of which events tell", () => world.operator.outbound.length > 0);
  const letters = lettersTo(run.seed, each, world.outcomes[0]?.id ?? "");
  const [statuses] = await Promise.all([
    requestAll(world, randomOf(run.seed, "http"), each),
    world.operator.post("inbound", letters.inbound),
    world.operator.post("event", letters.event),
  ]);
  await calm(world);
  // The second one to a user may wait for word of the first, of which the operator says nothing.
  const isSent = (): boolean => world.operator.outbound.length > (statuses.get(200) ?? 0);
  for (let waited = 0; !isSent() && waited < 300; waited++) await pause(200);
  await reportAfterwards(reporter, world);
  // That Turn was told odd things is no fault here: it refuses them.
  reporter.add((await world.finish()).filter((fault) => !fault.startsWith("Turn was called")));
  reportHttp(reporter, world, statuses);
  reportQueue(reporter, world, "inbound", letters.inbound);
  reportQueue(reporter, world, "event", letters.event);
  return reporter.report();
}

/** Looks at the process while it has nothing to do. */
async function reportAfterwards(reporter: Reporter, { bridge }: World): Promise<void> {
  // A collection of garbage may take the most of one second, but not of each.
  let load = await bridge.load();
  for (let n = 0; n < 20 && load >= IDLE.load; n++) load = await bridge.load();
  const resident = Math.round(await bridge.residentMiB());
  reporter.check(load < IDLE.load, `idle, it takes ${Math.round(load * 100)} % of a core`);
  reporter.check(resident < IDLE.residentMiB, `it holds ${resident} MiB`);
  reporter.check((await bridge.health()).status === 200, "it is not in health afterwards");
  const bugs = bridge.log().split("\n").filter((line) => /\b[Aa] bug\b|"bug: /.test(line));
  reporter.check(bugs.length === 0, `it logged a bug: ${bugs[0]?.slice(0, 300)}`);
  reporter.figure("idle afterwards", `${Math.round(load * 100)} % of a core, ${resident} MiB`);
}

/** Malformed, or by chance not, for the queues; events are about a message that is remembered. */
export function lettersTo(seed: number, each: number, eventsAbout: string): Record<End, Letter[]> {
  return {
    inbound: lettersOf(randomOf(seed, "inbound"), each, inboundOf),
    event: lettersOf(randomOf(seed, "event"), each, (random) => eventOf(random, eventsAbout)),
  };
}

function lettersOf(random: Random, count: number, valid: (random: Random) => Tree): Letter[] {
  return Array.from({ length: count }, (_, place) => ({
    tag: `letter-${place}`,
    body: spoil(random, valid(random)),
  }));
}

/** Resolves when nothing waits, and nothing has happened for a while. */
async function calm(world: World): Promise<void> {
  const { operator, turn } = world;
  let before = "";
  for (let calmFor = 0, waited = 0; calmFor < 5 && waited < 300; waited++) {
    const depths = [
      await operator.depth("inbound"),
      await operator.depth("event"),
    ];
    const now = [operator.parked.inbound, operator.parked.event, turn.calls, turn.improper]
      .map(({ length }) => length).join();
    calmFor = now === before && depths.every((depth) => depth === 0) ? calmFor + 1 : 0;
    before = now;
    await pause(200);
  }
}

/** Sends malformed requests, and answers how often which status was answered; 0 is none. */
export async function requestAll(
  world: World,
  random: Random,
  count: number,
): Promise<Map<number, number>> {
  const requests = Array.from({ length: count }, () => requestOf(random));
  const statuses = new Map<number, number>();
  // A server may close a connection whose request it has not read to the end, just when the next
  // one is sent on it. That is no answer of ours, so none is used twice.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const work = async (): Promise<void> => {
    for (let init = requests.pop(); init; init = requests.pop()) {
      const response = await fetch(world.messagesUrl, { ...init, client }).catch(() => undefined);
      await response?.body?.cancel();
      const status = response?.status ?? 0;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 10 }, work));
  return statuses;
}

/** Mostly signed as it should be, so that it is read. */
function requestOf(random: Random): RequestInit {
  const body = spoil(random, {
    to: userOf(below(random, 50)),
    from: "8110",
    reply_to: null,
    content: "Hi",
    context: null,
    turn: { type: "text", text: { body: "Hi" } },
    waiting_for_user_input: false,
  });
  const right = sign(SECRET, body);
  const signature = pick(random, [right, right, right, right, right, right, right, "", "nonsense"]);
  const others = pick(random, [
    sign("another secret", body),
    sign(SECRET, body.slice(1)),
    `${right}=`,
  ]);
  const type = random() < 0.1 ? "text/plain" : "application/json";
  return {
    method: "POST",
    body: body.slice(),
    headers: {
      "Content-Type": type,
      [SIGNATURE_HEADER]: random() < 0.1 ? others : signature,
    },
  };
}

function inboundOf(random: Random): Tree {
  return {
    message_id: newId(random),
    to_addr: "8110",
    from_addr: userOf(below(random, 50)),
    transport_name: "smpp_transport",
    transport_type: "sms",
    message_type: "user_message",
    message_version: "20110921",
    timestamp: "2015-06-15 13:00:00.000000",
    content: "Hello world!",
    session_event: null,
    in_reply_to: null,
    helper_metadata: {},
    transport_metadata: {},
  };
}

function eventOf(random: Random, userMessageId: string): Tree {
  return {
    event_id: newId(random),
    user_message_id: userMessageId,
    event_type: "ack",
    sent_message_id: "provider-1",
    nack_reason: null,
    delivery_status: null,
    message_type: "event",
    message_version: "20110921",
    timestamp: "2015-06-15 13:00:00.000000",
    helper_metadata: {},
    transport_metadata: {},
  };
}

function reportHttp(reporter: Reporter, world: World, statuses: ReadonlyMap<number, number>): void {
  const of = (holds: (status: number) => boolean): number =>
    [...statuses].reduce((sum, [status, times]) => holds(status) ? sum + times : sum, 0);
  const failed = of((status) => status >= 500), silent = of((status) => status === 0);
  reporter.check(failed === 0, `${failed} requests were answered 5xx`);
  reporter.check(silent === 0, `${silent} requests had no answer`);
  const accepted = of((status) => status === 200);
  // The one before all that events are about is on the queue too.
  const sent = world.operator.outbound.length - 1;
  reporter.check(sent === accepted, `${accepted} requests were accepted, ${sent} messages sent`);
  const figures = [...statuses].sort().map(([status, times]) => `${times} × ${status}`);
  reporter.figure("HTTP", figures.join(", "));
}

/** Each is parked with a reason, or can be read; a message that can be read is delivered. */
function reportQueue(
  reporter: Reporter,
  world: World,
  end: End,
  letters: readonly Letter[],
): void {
  const parked = world.operator.parked[end];
  const tags = new Set(parked.map(({ id }) => id));
  const silent = parked.filter(({ reason }) => reason === "").length;
  reporter.check(silent === 0, `${end}: ${silent} were parked without a reason`);
  const twice = parked.length - tags.size;
  reporter.check(twice === 0, `${end}: ${twice} were parked twice`);
  const taken = letters.filter(({ tag }) => !tags.has(tag));
  const unreadable = taken.filter(({ body }) => readable(end, body) === undefined).length;
  reporter.check(unreadable === 0, `${end}: ${unreadable} can't be read, and were not parked`);
  const delivered = new Set(world.turn.delivered(end === "inbound" ? "inbound" : "status")).size;
  reporter.check(delivered > 0, `${end}: not even one of those that can be read was delivered`);
  if (end === "inbound") {
    // Some have the same id by chance: those are one message.
    const read = taken.map(({ body }) => readable(end, body));
    const ids = new Set(read.filter((id) => id !== undefined)).size;
    reporter.check(delivered === ids, `inbound: ${ids} could be read, ${delivered} were delivered`);
  }
  reporter.figure(end, `${parked.length} parked, ${taken.length} could be read`);
}

/** The id, if it can be read. */
export function readable(end: End, body: Uint8Array): string | undefined {
  try {
    return end === "inbound" ? decodeMessage(body).message_id : decodeEvent(body).event_id;
  } catch {
    return undefined;
  }
}
