import assert from "node:assert/strict";
import { idIn, Live } from "../support/live.ts";
import type { Running } from "../support/program.ts";
import { until } from "../support/until.ts";

/** How long Turn takes for a message that does no harm: long enough to be in work at a death. */
const ANSWER_MS = 300;

/** Also one that ends with the program, and all that is known of messages with it. */
const CACHES = ["DenoKvMessageCache", "MemoryMessageCache"];

for (const cache of CACHES) {
  Deno.test(`with a ${cache} the message that ends the program each time is parked after 5 deaths, and no other`, () =>
    parksOnlyTheKiller(cache));
}

async function parksOnlyTheKiller(cache: string): Promise<void> {
  await using live = await Live.prepare({ "message-cache-class": cache });
  let starting: Promise<Running> | undefined;
  let died = Promise.withResolvers<void>();
  let deaths = 0;
  // From the order to kill it until the next one starts.
  let dying = false;
  const delivered: string[] = [];
  live.turn.answer = async ({ body }) => {
    const id = idIn(body);
    if (id === "killer") {
      deaths++;
      dying = true;
      void starting?.then((running) => running.stop("SIGKILL")).then(() => died.resolve());
      return "hang";
    }
    const [before, wasDying] = [deaths, dying];
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    // Nobody is there any more to take the answer, if it has died meanwhile; or soon will not be.
    if (deaths !== before || wasDying) return "hang";
    delivered.push(id);
    return Response.json({});
  };
  const innocent = ["before", "behind", "late 1", "late 2", "late 3", "late 4"];
  const send = (message_id: string) =>
    live.transport.sendInbound({ message_id, from_addr: `+${message_id}` });
  for (const id of ["before", "killer", "behind"]) await send(id);
  for (let run = 1; run <= 5; run++) {
    died = Promise.withResolvers();
    dying = false;
    starting = live.program();
    await using _running = await starting;
    await died.promise;
    // It comes when the next one starts, and is in work when that dies.
    if (run < 5) await send(`late ${run}`);
  }
  dying = false;
  // What Turn has taken just before a death comes again as well.
  const back = await live.back("inbound");
  await using last = await live.program();
  const { content, properties } = await live.transport.take("inbound.parked");
  assert.equal(JSON.parse(content.toString()).message_id, "killer");
  assert.equal(
    properties.headers?.["x-parked-reason"],
    "the program ended 5 times while it had this in work",
  );
  await live.transport.sendInbound({ message_id: "next" });
  const all = [...innocent, "next"];
  await until("all others", () => all.every((id) => delivered.includes(id)));
  assert.equal(deaths, 5);
  await until("all that came to be at its end", async () => await live.ends("inbound") > back);
  assert.equal(await last.stop("SIGTERM"), 0);
  assert.match(
    last.stderr(),
    /"level":"INFO","message":"Delivered again after the program[^\n]*"killer"/,
  );
  assert.deepEqual([...new Set(delivered)].toSorted(), all.toSorted());
  assert.equal(await live.transport.depth("inbound.parked"), 0);
  assert.equal(await live.transport.depth("inbound"), 0);
}
