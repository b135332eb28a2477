/**
 * Menus outlive what asked: the program's end, and the machine that it ran on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET } from "../support/bridge.ts";
import { send } from "../support/fake_turn.ts";
import { Live } from "../support/live.ts";
import { machine, sharedRedis, speaker } from "../support/machines.ts";
import type { Running } from "../support/program.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";

const USER = "+26612345678";

/** Turn asks, by this one; answers the id that it was given. */
async function ask({ address }: Pick<Running, "address">, turn: unknown): Promise<string> {
  const request = { to: USER, turn, waiting_for_user_input: true };
  const response = await send(`${address}/messages`, request, { secret: SECRET });
  const { messages: [{ id }] } = await response.json();
  return id;
}

/** What Turn was told of the user's SMS with this id, each time. */
// deno-lint-ignore no-explicit-any -- JSON of several shapes, which the assertions look into.
function told(live: Live, id: string): any[] {
  // deno-lint-ignore no-explicit-any -- the same
  return live.turn.calls.flatMap(({ body }: any) => body.message?.id === id ? body.message : []);
}

Deno.test("an answer after a restart picks from the menu, the same each time that it comes", async () => {
  await using live = await Live.prepare();
  let asked = "";
  {
    await using first = await live.start();
    asked = await ask(first, BUTTONS);
    await live.transport.received(1);
    assert.notEqual(await first.stop("SIGKILL"), 0);
  }
  await using second = await live.start();
  // Turn has it, and is away before it has said so: it comes again when we are killed.
  const { promise: has, resolve } = Promise.withResolvers<void>();
  const { answer } = live.turn;
  live.turn.answer = () => {
    resolve();
    return "hang";
  };
  await live.transport.sendInbound({ message_id: "pick", from_addr: USER, content: "2" });
  await has;
  assert.notEqual(await second.stop("SIGKILL"), 0);
  live.turn.answer = answer;
  await using third = await live.start();
  await until("it to come again", () => told(live, "pick").length > 1);
  await live.waiting("inbound", 0);
  for (const message of told(live, "pick")) {
    assert.deepEqual(message.interactive.button_reply, { id: "b-no", title: "No, thanks" });
    assert.deepEqual(message.context, { id: asked });
  }
  assert.equal(await third.stop("SIGTERM"), 0);
});

Deno.test("an answer at another machine picks from the menu that the first one has sent", async () => {
  const { server, flags } = await sharedRedis();
  await using _server = server;
  await using live = await Live.prepare(flags);
  await using first = await machine(live);
  await using second = await machine(live);
  const speaks = await speaker([first, second]);
  const other = speaks === first ? second : first;
  const asked = await ask(other, LIST);
  await live.transport.received(1);
  await live.transport.sendInbound({ message_id: "pick", from_addr: USER, content: "tuesday" });
  await until("the answer", () => told(live, "pick").length > 0);
  const [message] = told(live, "pick");
  assert.deepEqual(message.interactive.list_reply, { id: "tue", title: "Tuesday" });
  assert.deepEqual(message.context, { id: asked });
});
