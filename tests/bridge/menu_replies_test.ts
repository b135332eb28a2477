import assert from "node:assert/strict";
import { MenuReplies } from "../../src/bridge/menu_replies.ts";
import type { ContentOptions } from "../../src/bridge/mod.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import type { CallResult, InboundText } from "../../src/turn/mod.ts";
import { NEVER } from "./support.ts";

const CHOICE = { kind: "button", id: "yes", title: "Yes, please", contextId: "t1" } as const;
const CHOSEN: InboundText = { id: "m1", from: "+266", text: "1", timestamp: 1, choice: CHOICE };
const CALL = { timeoutMs: 1_000, signal: NEVER };
const DELIVERED = { kind: "delivered", status: 200 } as const;

/** What is told to a Turn that answers choices with `status`, and all else with 200. */
function replies(status: number, menuReply: ContentOptions["menuReply"] = "auto") {
  const told: string[] = [];
  const clock = { now: 0 };
  const sendMessage = (message: InboundText): Promise<CallResult> => {
    told.push(message.choice === undefined ? message.text : `choice ${message.choice.id}`);
    if (message.choice === undefined || status === 200) return Promise.resolve(DELIVERED);
    const failure = { reason: `Turn answered ${status}`, status };
    return Promise.resolve(
      status === 503
        ? { kind: "retry", ...failure, afterMs: 0, fault: "unavailable" }
        : { kind: "refused", ...failure },
    );
  };
  const { send } = new MenuReplies({
    turn: { sendMessage },
    metrics: new MetricsRegistry().channel("c"),
    content: { menuReply },
    connector: "c",
    elapsed: () => clock.now,
  });
  return { told, clock, send };
}

Deno.test("MenuReplies tells a choice as one, and a text as a text", async () => {
  const { told, send } = replies(200);
  assert.deepEqual(await send(CHOSEN, CALL), DELIVERED);
  assert.deepEqual(await send({ ...CHOSEN, choice: undefined }, CALL), DELIVERED);
  assert.deepEqual(told, ["choice yes", "1"]);
});

for (const status of [400, 415, 422]) {
  Deno.test(`MenuReplies tells the title where Turn answers ${status}, and for an hour at once`, async () => {
    const { told, clock, send } = replies(status);
    assert.deepEqual(await send(CHOSEN, CALL), DELIVERED);
    assert.deepEqual(told, ["choice yes", "Yes, please"]);
    clock.now = 3_599_000;
    await send(CHOSEN, CALL);
    assert.deepEqual(told.slice(2), ["Yes, please"]);
    clock.now = 3_601_000;
    await send(CHOSEN, CALL);
    assert.deepEqual(told.slice(3), ["choice yes", "Yes, please"]);
  });
}

for (const status of [401, 403, 404, 413, 503]) {
  Deno.test(`MenuReplies takes ${status} for no refusal of choices`, async () => {
    const { told, send } = replies(status);
    assert.notEqual((await send(CHOSEN, CALL)).kind, "delivered");
    assert.deepEqual(told, ["choice yes"]);
  });
}

Deno.test("MenuReplies does as menu_reply says", async () => {
  const text = replies(422, "text");
  assert.deepEqual(await text.send(CHOSEN, CALL), DELIVERED);
  assert.deepEqual(text.told, ["Yes, please"]);
  const interactive = replies(422, "interactive");
  assert.equal((await interactive.send(CHOSEN, CALL)).kind, "refused");
  assert.equal((await interactive.send(CHOSEN, CALL)).kind, "refused");
  assert.deepEqual(interactive.told, ["choice yes", "choice yes"]);
});
