import assert from "node:assert/strict";
import { readCall } from "../../src/simulator/turn_schemas.ts";
import { FakeTurn } from "../support/fake_turn.ts";

const MESSAGE = {
  contact: { id: "+1", profile: { name: "+1" } },
  message: { type: "text", text: { body: "Hi" }, from: "+1", id: "1", timestamp: "1628345678" },
};
const FLAT = { user_message_id: "1", timestamp: "2015-06-15 13:00:00", status: "sent" };
const NESTED = { id: "1", timestamp: "1434373200", status: "failed", recipient_id: "+1" };

async function post(url: string, body: unknown, token = "token"): Promise<Response> {
  return await fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" },
  });
}

const IN_CONTEXT = { context: { id: "m1" }, from: "+1", id: "1", timestamp: "1628345678" };

function chosen(fields: object): object {
  return { contact: MESSAGE.contact, message: { ...IN_CONTEXT, ...fields } };
}

function interactive(type: string, reply: object): object {
  return chosen({ type: "interactive", interactive: { type, [type]: reply } });
}

const BUTTON_REPLY = interactive("button_reply", { id: "y", title: "Yes" });
const LIST_REPLY = interactive("list_reply", { id: "y", title: "Yes", description: "I do" });
const QUICK_REPLY = chosen({ type: "button", button: { payload: "y", text: "Yes" } });

const BODIES: readonly [string, unknown, number][] = [
  ["/messages", MESSAGE, 200],
  ["/messages", { ...MESSAGE, message: { ...MESSAGE.message, text: { body: "" } } }, 400],
  ["/messages", { ...MESSAGE, message: { ...MESSAGE.message, timestamp: 1628345678 } }, 400],
  ["/messages", { ...MESSAGE, contact: { id: "+1" } }, 400],
  ["/messages", BUTTON_REPLY, 200],
  ["/messages", LIST_REPLY, 200],
  ["/messages", interactive("list_reply", { id: "y", title: "Yes" }), 200],
  ["/messages", QUICK_REPLY, 200],
  ["/messages", interactive("button_reply", { id: "y", title: "Yes", description: "" }), 400],
  ["/messages", interactive("button_reply", { id: "y", title: "" }), 400],
  ["/messages", interactive("nfm_reply", { id: "y", title: "Yes" }), 400],
  ["/messages", chosen({ type: "text", text: { body: "Yes" } }), 400],
  ["/messages", chosen({ ...QUICK_REPLY, context: undefined }), 400],
  ["/messages", FLAT, 400],
  ["/statuses", FLAT, 200],
  ["/statuses", { ...FLAT, status: "pending" }, 400],
  ["/statuses", { ...FLAT, timestamp: "2015-06-15T13:00:00Z" }, 400],
  ["/statuses", { status: NESTED }, 200],
  ["/statuses", { status: { ...NESTED, status: "pending" } }, 400],
  ["/statuses", { status: { ...NESTED, recipient_id: undefined } }, 400],
  ["/other", MESSAGE, 404],
];

for (const [path, body, status] of BODIES) {
  Deno.test(`SimulatedTurn answers ${status} to POST ${path} ${JSON.stringify(body)}`, async () => {
    await using turn = FakeTurn.start();
    const response = await post(`${turn.url}${path}`, body);
    await response.body?.cancel();
    assert.equal(response.status, status);
  });
}

for (
  const { as, body } of [
    { as: "button_reply", body: BUTTON_REPLY },
    { as: "list_reply", body: LIST_REPLY },
    { as: "button", body: QUICK_REPLY },
  ]
) {
  Deno.test(`readCall() reads what was chosen of a ${as}`, () => {
    const choice = { as, id: "y", title: "Yes", contextId: "m1" };
    const content = { kind: "message", id: "1", address: "+1", text: "Yes", choice };
    assert.deepEqual(readCall("/messages", body)?.data, content);
  });
}

Deno.test("SimulatedTurn answers 401 to another token, and remembers the call", async () => {
  await using turn = FakeTurn.start();
  const response = await post(`${turn.url}/messages`, MESSAGE, "other");
  assert.equal(response.status, 401);
  assert.match(await response.text(), /"errors"/);
  assert.equal(turn.calls.length, 1);
});

Deno.test("FakeTurn.received() says what came, when that is not enough", async () => {
  await using turn = FakeTurn.start();
  await (await post(`${turn.url}/statuses`, FLAT)).body?.cancel();
  const [call] = await turn.received((calls) => calls.some(({ path }) => path === "/statuses"));
  assert.deepEqual(call?.body, FLAT);
  await assert.rejects(turn.received(2, 1), /2 calls, and received 1:\n {2}\/statuses/);
});

Deno.test("SimulatedTurn stops with calls that hang, and so does who waits for more", async () => {
  const turn = FakeTurn.start({ answer: () => "hang" });
  const hanging = assert.rejects(post(`${turn.url}/messages`, MESSAGE), TypeError);
  const more = assert.rejects(turn.received(9), /closed/);
  await turn.received(1);
  await turn[Symbol.asyncDispose]();
  await Promise.all([hanging, more]);
});

Deno.test("SimulatedTurn answers 200 to calls that hang, when they are released", async () => {
  await using turn = FakeTurn.start({ answer: () => "hang" });
  const hanging = post(`${turn.url}/messages`, MESSAGE);
  await turn.received(1);
  turn.release();
  const response = await hanging;
  await response.body?.cancel();
  assert.equal(response.status, 200);
});

Deno.test("FakeTurn drops connections", async () => {
  await using turn = FakeTurn.start();
  turn.answer = () => turn.drop();
  await assert.rejects(post(`${turn.url}/messages`, MESSAGE), TypeError);
});
