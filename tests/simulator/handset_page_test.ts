/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The page of `handset` in a browser, as its users start it: on RabbitMQ, with a real bridge.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET, TestBridge, TOKEN } from "../support/bridge.ts";
import { browserTest, closeBrowser, openView, type ViewOptions } from "../support/chromium.ts";
import { Program } from "../support/program.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Transcript } from "../support/transcript.ts";
import { inboundMessage } from "../support/transport.ts";
import { until } from "../support/until.ts";
import { cutOff, seriousFaults } from "./page_faults.ts";
import { Person } from "./page_support.ts";

const USER = "+26612345678";
const CODE = "*134*9#";

Deno.test.afterAll(closeBrowser);

/** Runs a test with a bridge, two messages that wait for others, and `handset`. */
function handsetTest(
  name: string,
  type: "ussd" | "sms",
  options: ViewOptions,
  test: (person: Person, bridge: TestBridge, url: string) => Promise<void>,
): void {
  browserTest(name, async () => {
    const channel = {
      "transport-type": type,
      "default-from-addr": CODE,
      "failed-status": "failed",
    };
    await using bridge = await TestBridge.start(channel);
    await bridge.transport.takeNoMore();
    for (const to_addr of ["+27821234567", "+27831234568"]) {
      const content = `For ${to_addr}`;
      // What a bridge has sent it knows when it fails.
      if (type === "sms") await bridge.send({ ...text(content), to: to_addr });
      else await bridge.transport.publish("outbound", inboundMessage({ to_addr, content }));
    }
    const flags = {
      ...channel,
      "connector-name": bridge.connector,
      "http-bind": new URL(bridge.service.address).host,
      "turn-api-url": bridge.turn.url,
      "auth-token": TOKEN,
      "turn-hmac-secret": SECRET,
      "amqp-url": amqpUrl(),
      "page-port": "0",
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    await using process = Program.fromSource().spawn(["handset", ...args]);
    const stdout = new Transcript(process.stdout);
    const stderr = process.stderr.text();
    const [, url = ""] = await stdout.waitFor(/in a browser: (http:\S+)[^]*Ctrl-C/);
    await using view = await openView(url, options);
    const person = new Person(view.page, view.faults);
    await test(person, bridge, url);
    // The browser says itself that what was asked too early was refused.
    assert.deepEqual(view.faults.filter((fault) => !fault.includes("409")), []);
    process.kill("SIGTERM");
    assert.equal((await process.status).code, 0, await stderr);
    await stdout.ended;
  });
}

const text = (body: string, waits = false) => ({
  to: USER,
  turn: { type: "text", text: { body } },
  waiting_for_user_input: waits,
});

handsetTest(
  "handset plays a flow's phone on RabbitMQ, leaves what is for others, and says what the flow does wrong",
  "ussd",
  {},
  async (person, bridge, url) => {
    const { transport, turn } = bridge;
    await person.sees("#others-words", "2 messages wait in the queue, for +278…67 and +278…68");
    await person.sees("#others-means", /Turn is told of each what\s+failed_status is: failed/);
    assert.deepEqual(await seriousFaults(person), [], "with the question");
    await person.clicks("#dial .call");
    await person.sees("#toast", "Say first what becomes of the messages that wait");
    // A link opens a phone also then.
    await person.page.goto(`${url}?${new URLSearchParams({ phone: USER, code: CODE })}`);
    await person.sees("#owner", USER);
    await person.clicks("#others-leave");
    await person.sees("#others-words", "2 messages wait in the queue for others");
    assert.deepEqual(await person.texts("#others-buttons, #text, #turn, #load"), []);

    // And no link has anything taken, or another phone opened, for whom messages wait.
    await person.page.goto(`${url}?${new URLSearchParams({ phone: "+27821234567" })}`);
    await person.sees("#toast", "Messages wait for this number");
    await person.page.goto(`${url}?${new URLSearchParams({ phone: USER })}`);
    await person.sees("#owner", USER);

    // It dials the channel's own code.
    const code = await person.page.$eval("#dial-code", (it) => (it as HTMLInputElement).value);
    assert.equal(code, CODE);
    await person.clicks("#dial .call");
    await turn.received(1);
    const merged = [text("Welcome!"), text("Your name?", true)];
    for (const message of merged) assert.equal((await bridge.send(message)).status, 200);
    await person.sees("#ussd-text", "Welcome!\nYour name?");
    await person.sees("#ussd-warnings li", "Your flow sent two messages; they were merged.");
    await person.enters("#ussd-answer", "Neo");
    await turn.received((calls) => JSON.stringify(calls).includes('"Neo"'));
    const sticker = { to: USER, turn: { type: "sticker", sticker: { id: "1" } } };
    assert.equal((await bridge.send(sticker)).status, 200);
    await person.sees("#ussd-warnings li", "Refused: nothing to show for a sticker");
    assert.equal((await bridge.send({ to: USER, turn: { type: "order", order: {} } })).status, 422);
    await person.sees("#ussd-warnings li", "Refused: a phone can't show what your flow sent");
    assert.equal((await bridge.send(text("word ".repeat(60), true))).status, 200);
    await person.sees("#ussd-text", "98. More");
    await person.sees("#ussd-warnings li", "more than one screen");
    await person.enters("#ussd-answer", "98");
    await person.sees("#ussd-text", /^word/);
    await person.sees("#ussd-size", /^1\d\d of 182 characters$/);
    assert.deepEqual(await seriousFaults(person), [], "with a session");
    await person.clicks("#ussd-cancel");
    await person.sees("#phone .said.network", "Hung up");

    // And when nobody listens.
    await bridge.service.drain(AbortSignal.timeout(5_000));
    await person.sees("#no-bridge", `No bridge is listening on ${bridge.connector}.inbound.`);
    await person.clicks("#dial .call");
    await person.sees("#ussd-warnings li", "No bridge is listening on");
    assert.equal(await transport.depth("outbound"), 0, "what is left is in hand");
  },
);

handsetTest(
  "handset takes what is for others when it is told to at 375 px, and Turn is told that it failed",
  "sms",
  { width: 375, height: 720, dark: true },
  async (person, { turn }) => {
    assert.deepEqual(await cutOff(person), []);
    assert.deepEqual(await seriousFaults(person), []);
    await person.clicks("#others-take");
    await person.sees(
      "#others-words",
      "2 messages were taken. Nobody got them; Turn is told of each what failed_status is: failed",
    );
    await person.chooses("#phones", "+27831234568");
    await person.sees("#phone .said.service", "For +27831234568");
    await person.sees(
      "#phone .said.network",
      "Nobody got this message",
    );
    await until("Turn to be told", () => {
      return turn.calls.filter(({ body }) => JSON.stringify(body).includes('"failed"')).length ===
        2;
    });
    assert.deepEqual(await cutOff(person), []);
    assert.deepEqual(await seriousFaults(person), []);
  },
);
