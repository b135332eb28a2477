/**
 * A session through vumi2's AAT transport: the transport itself, if it can be had, and what it does with
 * requests and messages.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TestBridge } from "../support/bridge.ts";
import { freePort } from "../support/free_port.ts";
import { pythonWith } from "../support/python.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";
import { pythonWithVumi2 } from "../support/vumi2.ts";
import { AatGateway } from "./aat_support.ts";
import { ask, CODE, Network, pause, post, say, statuses, untilStatus } from "./ussd_support.ts";

const USER = "+27820001111";
const HOLD = "Please wait. Reply 1 to continue.";
const LONG = "Wash your hands with soap before you eat, and after. ".repeat(5).trim();

/** A phone, as its user knows it: each answer is a screen, and whether it takes an answer. */
interface Handset {
  dial(): Promise<readonly [string, boolean]>;
  type(text: string): Promise<readonly [string, boolean]>;
}

/** What Turn says when it is told something. */
const FLOW: Readonly<Record<string, (bridge: TestBridge) => Promise<string[]>>> = {
  [CODE]: async (bridge) => [
    await say(bridge, USER, "Welcome"),
    await ask(bridge, USER, "Name?"),
  ],
  x: async (bridge) => {
    const [question, error] = [ask(bridge, USER, "Name?"), say(bridge, USER, "That is no <name>.")];
    return [await question, await error];
  },
  Anna: async (bridge) => [await ask(bridge, USER, BUTTONS)],
  "b-yes": async (bridge) => [await say(bridge, USER, LONG), await ask(bridge, USER, LIST)],
  // It takes its time.
  tue: async (bridge) => {
    await pause(2_500);
    return [await ask(bridge, USER, "Is that all?")];
  },
  yes: async (bridge) => [
    await say(bridge, USER, "Goodbye"),
    await say(bridge, USER, "See you at 10."),
  ],
};

/** A whole session, of which every message of Turn's is shown. */
async function session(bridge: TestBridge, { dial, type }: Handset): Promise<void> {
  const posting: Promise<string[]>[] = [];
  using _flow = bridge.turn.watch({
    called({ body }) {
      // deno-lint-ignore no-explicit-any -- the fake Turn has looked at its form.
      const { message } = body as any;
      const { text, interactive = {} } = message ?? {};
      const { button_reply, list_reply } = interactive;
      const says = FLOW[text?.body ?? (button_reply ?? list_reply)?.id];
      if (says) posting.push(pause(10).then(() => says(bridge)));
    },
  });
  assert.deepEqual(await dial(), ["Welcome\nName?", true]);
  const [crossed, open] = await type("x");
  assert.deepEqual([crossed, open], ["That is no <name>.\nName?", true]);
  const [menu] = await type("Anna");
  assert.match(menu, /^Clinic\nDo you agree\?\n1\. Yes\n/);
  const [page] = await type("1");
  assert.match(page, /^Wash .*\n98\. More$/s);
  assert.match((await type("98"))[0], /\n2\. Tuesday$/);
  assert.deepEqual(await type("2"), [HOLD, true]);
  await until("Turn's answer", () => posting.length === 5);
  await posting[4];
  assert.deepEqual(await type("1"), ["Is that all?", true]);
  assert.deepEqual(await type("yes"), ["Goodbye\nSee you at 10.", false]);
  const ids = (await Promise.all(posting)).flat();
  await untilStatus(bridge.turn, "sent", ...ids);
  assert.deepEqual(statuses(bridge.turn, ...ids), ids.map(() => ["sent"]));
  const reminder = await post(bridge, USER, "Your visit is tomorrow");
  assert.deepEqual([reminder.status, reminder.error], [422, "session_over"]);
  assert.equal(bridge.turn.calls.filter(({ path }) => path === "/messages").length, 6);
}

const FLAGS = {
  "transport-type": "ussd",
  "ussd-answer-deadline": "1.5",
  "ussd-merge-window": "1",
  "ussd-hold-text": HOLD,
};

const REQUESTS = fileURLToPath(new URL("../vumi/vumi2_requests.py", import.meta.url));
const cattrs = await pythonWith("cattrs==23.2.3");

Deno.test({
  name: cattrs.kind === "python"
    ? "vumi2's AAT transport has a request for every screen of a session"
    : `vumi2's AAT transport has a request for every screen (not run: ${cattrs.why})`,
  ignore: cattrs.kind !== "python",
  async fn() {
    assert.ok(cattrs.kind === "python");
    await using bridge = await TestBridge.start(FLAGS);
    const network = new Network(bridge.transport);
    const phone = network.phone(USER);
    // In the order in which they come to the transport.
    const lines: (readonly [kind: "request" | "message", value: string])[] = [];
    const shown: unknown[] = [];
    const next = async (request: string) => {
      lines.push(["request", request]);
      const { text, open, message } = await phone.screen();
      lines.push(["message", JSON.stringify(message)]);
      shown.push({ text, open, callback: CODE });
      return [text, open] as const;
    };
    await session(bridge, {
      dial: async () => await next(await phone.dial()),
      type: async (text) => await next(await phone.type(text)),
    });
    network.assertAllShown();
    assert.deepEqual(await run(cattrs.path, REQUESTS, lines), shown);
    // A second reply, or none, would have been a fault that it tells.
    const [twice = assert.fail()] = lines.slice(1);
    const alone = JSON.stringify({ ...JSON.parse(twice[1]), in_reply_to: null });
    const [raised = {}, nack = {}] = await run(cattrs.path, REQUESTS, [twice, ["message", alone]]);
    assert.ok("raised" in raised && "nack" in nack);
  },
});

async function run(
  python: string,
  script: string,
  lines: readonly unknown[],
): Promise<Record<string, unknown>[]> {
  const process = new Deno.Command(python, {
    args: [script],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout } = await process.output();
  assert.ok(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const vumi2 = await pythonWithVumi2();

Deno.test({
  name: vumi2.kind === "python"
    ? "vumi2's AAT transport itself shows a session"
    : `vumi2's AAT transport itself shows a session (not run: ${vumi2.why})`,
  ignore: vumi2.kind !== "python",
  async fn() {
    assert.ok(vumi2.kind === "python");
    await using bridge = await TestBridge.start(FLAGS);
    await bridge.transport.takeNoMore();
    await using gateway = await AatGateway.start(vumi2.path, {
      port: freePort(),
      connector: bridge.connector,
    });
    await bridge.transport.consumed("outbound");
    const phone = gateway.phone(USER);
    await session(bridge, { dial: () => phone.dial(CODE), type: (text) => phone.type(text) });
  },
});
