/**
 * Scenario 12: messages whose properties hardly anybody can read come into one channel of three.
 *
 * @module
 */

import { POISON } from "../support/poison.ts";
import { getRaw, publishRaw, type RawPublish } from "../support/raw_amqp.ts";
import { Feed } from "./feed.ts";
import { type Operator, wireMessage } from "./operator.ts";
import { messagesOf, pause, userOf, wishesOf } from "./people.ts";
import { type Report, Reporter, type Run } from "./report.ts";
import { World } from "./world.ts";

/** How large scenario 12 is. */
export interface PoisonSize {
  /** Messages each way, in each channel. */
  readonly each: number;
  /** Users of each channel. */
  readonly users: number;
  /** Messages each way and channel in a second. */
  readonly perSecond: number;
  /** How often each kind of poison comes into each queue of the first channel. */
  readonly times: number;
}

/** A message in which only the properties are odd is to be delivered; of another one nothing can be. */
type Body = "readable" | "unreadable";

/** Poison, and how it is known again. */
export interface Dose extends RawPublish {
  readonly id: string;
  readonly end: "inbound" | "event";
  readonly isReadable: boolean;
}

/** 12: poison of each kind into one channel of three, while all carry load. */
export async function poisonInOne(run: Run, size: PoisonSize): Promise<Report> {
  const { times, each, users, perSecond } = size;
  const kinds = Object.keys(POISON).length;
  const reporter = new Reporter(`12 ${kinds} kinds of poison into one channel of three`, run);
  await using several = await World.makeSeveral(
    3,
    { url: run.url, reports: "two" },
    { leavesParked: true },
  );
  const { worlds } = several;
  const [first] = worlds;
  if (first === undefined) throw new Error("There are no channels");
  const { bridge, proxy, operator } = first;
  await bridge.start();
  await bridge.healthy();
  const connections = proxy.accepted;
  const doses = dosesFor(operator, times);
  const work = worlds.flatMap((world, place) => [
    new Feed(world, messagesOf(run.seed + place, each, users), perSecond).done,
    world.load({ concurrency: 10, intervalMs: 1000 / perSecond })
      .send(wishesOf(run.seed + place, each, users)),
  ]);
  // All the while, so that there is load before and after each.
  const gapMs = 1000 * each / perSecond / (doses.length + 1);
  const poisoning = (async () => {
    for (const dose of doses) {
      await pause(gapMs);
      await publishRaw(run.url, dose);
    }
  })();
  await Promise.all([...work, poisoning]);
  for (const world of worlds) await world.settled({ stallMs: 15_000, mostMs: 60_000 });
  reporter.figure("connections made meanwhile", proxy.accepted - connections);
  reporter.check(
    proxy.accepted === connections,
    "connections to RabbitMQ ended, and were made anew",
  );
  reporter.check((await bridge.health()).status === 200, "it is not in health afterwards");
  const parked = await takeParked(run.url, operator);
  const code = await bridge.stop("SIGTERM");
  reporter.check(code === 0, `SIGTERM ended it with exit code ${code}`);
  reportPoison(reporter, first, doses, parked);
  for (const [place, world] of worlds.entries()) {
    reporter.add((await world.leftovers()).map((fault) => `channel ${place + 1}: ${fault}`));
    reportChannel(reporter, world, place + 1, place === 0);
  }
  return reporter.report();
}

/** Each kind in each queue, with a body that can be read and with one that can't. */
export function dosesFor(operator: Operator, times: number): Dose[] {
  const doses: Dose[] = [];
  for (let time = 1; time <= times; time++) {
    for (const [kind, propertyBytes] of Object.entries(POISON)) {
      for (const end of ["inbound", "event"] as const) {
        const bodies: readonly Body[] = end === "inbound"
          ? ["readable", "unreadable"]
          : ["unreadable"];
        for (const body of bodies) {
          const id = `${kind} / ${body} / ${end} / ${time}`;
          const text = body === "readable"
            ? JSON.stringify(wireMessage({ id, user: userOf(99_999), text: id }))
            : id;
          doses.push({
            id,
            end,
            isReadable: body === "readable",
            exchange: "vumi",
            routingKey: operator.queue(end),
            propertyBytes,
            body: new TextEncoder().encode(text),
          });
        }
      }
    }
  }
  return doses;
}

/** The bodies of what is parked, which is taken. amqplib could not read it. */
export async function takeParked(url: string, operator: Operator): Promise<string[]> {
  const bodies: string[] = [];
  for (const end of ["inbound.parked", "event.parked"]) {
    for (;;) {
      const message = await getRaw(url, operator.queue(end));
      if (message === undefined) break;
      bodies.push(new TextDecoder().decode(message.body));
    }
  }
  return bodies;
}

/** What can't be read is parked once; what can is delivered, or parked. */
function reportPoison(
  reporter: Reporter,
  { turn }: World,
  doses: readonly Dose[],
  parked: readonly string[],
): void {
  const delivered = new Set(turn.delivered("inbound"));
  const timesParked = ({ id }: Dose) =>
    parked.filter((body) => body === id || body.includes(`"${id}"`)).length;
  const ends = doses.map((dose) => ({ dose, times: timesParked(dose) }));
  const lost = ends.filter(({ dose, times }) =>
    times === 0 && !(dose.isReadable && delivered.has(dose.id))
  );
  const kinds = [...new Set(lost.map(({ dose }) => dose.id.split(" / ")[0]))].join("; ");
  reporter.check(lost.length === 0, `${lost.length} of the poison are nowhere: ${kinds}`);
  const twice = ends.filter(({ times }) => times > 1).length;
  reporter.check(twice === 0, `${twice} of the poison were parked more than once`);
  const others = parked.length - ends.reduce((sum, { times }) => sum + times, 0);
  reporter.check(others === 0, `${others} were parked that were no poison`);
  const came = doses.filter(({ id }) => delivered.has(id)).length;
  reporter.figure("poison", `${doses.length}, ${parked.length} parked, ${came} delivered`);
}

/** Nothing is lost, late, twice or parked. Of the first channel the poison is left out. */
function reportChannel(reporter: Reporter, world: World, number: number, isFirst: boolean): void {
  const inbound = world.inboundHistory();
  const known = new Set(inbound.put.map(({ id }) => id));
  const own = isFirst ? { ...inbound, out: inbound.out.filter((id) => known.has(id)) } : inbound;
  reporter.flow(`inbound ${number}`, own);
  reporter.flow(`outbound ${number}`, world.outboundHistory());
  reporter.flow(`statuses ${number}`, world.statusHistory());
  reporter.add(world.idFaults().map((fault) => `channel ${number}: ${fault}`));
}
