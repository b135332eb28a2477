import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { until } from "../support/until.ts";

/** Short, as far as it can be; what goes into the second delay is not seen again. */
const SHORT = { "max-retries": "1", "retry-schedule": "0.2,3600" };
const PAGE = { "Content-Type": "text/html" };

/** The ids of the messages that Turn has taken, in order. */
function taking(bridge: TestBridge): readonly string[] {
  const taken: string[] = [];
  bridge.turn.answer = ({ body }) => {
    taken.push((body as { message: { id: string } }).message.id);
    return Response.json({});
  };
  return taken;
}

/** Resolves when `/health` says that Turn is down. */
async function isDown(bridge: TestBridge): Promise<void> {
  await until("/health to say that Turn is down", async () => {
    const { turn } = (await bridge.request("/health")).body.components;
    return turn.health === "degraded" && turn.breaker !== "closed";
  });
}

/** Answers of what is no fault of any message's. */
const DOWN: Readonly<Record<string, () => Response>> = {
  "502": () => new Response("<html>Bad gateway</html>", { status: 502, headers: PAGE }),
  "503 with a Retry-After of 600 s": () =>
    new Response(null, { status: 503, headers: { "Retry-After": "600" } }),
  "302": () => Response.redirect("http://127.0.0.1:1/maintenance"),
  "200 with a login page": () => new Response("<html>Log in</html>", { headers: PAGE }),
};

for (const [what, answer] of Object.entries(DOWN)) {
  Deno.test(`few messages, all answered ${what}: Turn is down, and nothing is late, parked or out of order`, async () => {
    await using bridge = await TestBridge.start(SHORT);
    bridge.turn.answer = answer;
    await bridge.transport.sendInbound({ message_id: "a1", from_addr: "+1" });
    await isDown(bridge);
    const { length } = bridge.turn.calls;
    for (const [message_id, from_addr] of [["b1", "+2"], ["a2", "+1"], ["c1", "+3"]] as const) {
      await bridge.transport.sendInbound({ message_id, from_addr, transport_type: "ussd" });
    }
    await bridge.turn.received(length + 1);
    const taken = taking(bridge);
    await bridge.counted('{flow="inbound",result="delivered"} 4');
    assert.deepEqual(taken.filter((id) => id.startsWith("a")), ["a1", "a2"]);
    assert.deepEqual([...taken].sort(), ["a1", "a2", "b1", "c1"]);
    assert.equal(await bridge.transport.depth("inbound.parked"), 0);
  });
}

Deno.test("one message that Turn always fails is blamed for it as soon as another comes through", async () => {
  await using bridge = await TestBridge.start({
    "max-retries": "0",
    "retry-schedule": "0.2,1",
    "retry-for": "5",
  });
  bridge.turn.answer = ({ body }) =>
    (body as { message: { id: string } }).message.id === "bad"
      ? new Response("oh no", { status: 500 })
      : Response.json({});
  await bridge.transport.sendInbound({ message_id: "bad", from_addr: "+1" });
  await isDown(bridge);
  await bridge.transport.sendInbound({ message_id: "good", from_addr: "+2" });
  await bridge.counted('{flow="inbound",result="delivered"} 1');
  const { properties } = await bridge.transport.take("inbound.parked");
  assert.match(
    properties.headers?.["x-parked-reason"],
    /^Turn answered 500, after \d+ attempts: oh no$/,
  );
  const { turn } = (await bridge.request("/health")).body.components;
  assert.equal(turn.breaker, "closed");
});
