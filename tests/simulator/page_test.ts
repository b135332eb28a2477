/// <reference lib="dom" />
import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { PhonePlay } from "../../src/simulator/handset/phone_play.ts";
import { PageServer } from "../../src/simulator/handset/server.ts";
import { Transport } from "../../src/simulator/transport.ts";
import { browserTest, openView } from "../support/chromium.ts";
import { until } from "../support/until.ts";
import { pageTest, Person } from "./page_support.ts";

const USER = "+26612345678";
const OTHER = "+26687654321";

async function playsTurnByHand(person: Person): Promise<void> {
  await person.clicks("#replies");
  await until("Turn to be played by hand", async () => {
    return !await person.page.$eval("#replies", (box) => (box as HTMLInputElement).checked);
  });
}

pageTest("an SMS conversation goes through the phone, the bridge and Turn", async (person) => {
  await playsTurnByHand(person);
  await person.enters("#text-content", "Is the clinic open today?");
  await person.sees(".trace[data-flow=inbound]", "Is the clinic open today?");
  await person.sees("#turn .said.user", "Is the clinic open today?");
  await person.enters("#send-text", "Yes, until five o'clock.");
  await person.sees("#phone .said.service", "Yes, until five o'clock.");
  await person.sees("#phone .reports", "delivered");
  await person.sees("#turn .outcome", "delivered");
  await person.sees(".trace[data-flow=status]", USER);
  await person.enters("#text-content", "Thank you!");
  await person.sees("#turn .said.user", "Thank you!");
  assert.deepEqual(await person.texts("#turn .words"), [
    "Is the clinic open today?",
    "Yes, until five o'clock.",
    "Thank you!",
  ]);
});

pageTest("a USSD session of three screens comes to its end", async (person) => {
  await person.enters("#dial-code", "*120*8864#");
  await person.sees("#ussd-text", "Welcome! What is your name?");
  await person.enters("#ussd-answer", "Thandi");
  await person.sees("#ussd-text", "Hello Thandi. How are you today?");
  await person.enters("#ussd-answer", "1");
  await person.sees("#ussd-text", "Glad to hear it, Thandi. Goodbye!");
  assert.deepEqual(await person.texts("#ussd-answer, #ussd-send"), [], "an answer is taken");
  await person.clicks("#ussd-cancel");
  await person.seesNo("#ussd");
  assert.deepEqual(await person.texts("#phone .words"), [
    "*120*8864#",
    "Welcome! What is your name?",
    "Thandi",
    "Hello Thandi. How are you today?\n1. Well\n2. Not so well",
    "1",
    "Glad to hear it, Thandi. Goodbye!",
  ]);
});

pageTest(
  "what waits for a screen is seen while it waits, and then what the screen shows",
  async (person) => {
    await person.clicks("#counts input[value='2']");
    await person.enters("#dial-code", "*120*8864#");
    await person.sees("#ussd-held-title", "Held for the screen: 2 messages of Turn’s");
    await person.sees("#ussd-held-list li", "What is your name? (awaits input)");
    await person.sees("#ussd-wait", /^The network waits \d+ s more for a screen$/);
    await person.sees(".trace", /Welcome!.*held/);
    await person.sees("#turn .outcome", "held for the screen");
    await person.sees("#ussd-text", "Welcome!\nWhat is your name?");
    await person.sees("#ussd-origin", "One screen of 2 messages of Turn’s");
    await person.seesNo("#ussd-held, #ussd-wait");
    await person.sees(".trace", /What is your name\?.*2 messages on one screen/);
    await until("a status of each", async () => {
      const outcomes = await person.texts("#turn .said.service .outcome");
      return outcomes.join() === "· sent,· sent";
    });
  },
  { flags: { "ussd-settle": "1.5" } },
);

pageTest("Turn is slow by a slider, and the bridge asks the user to wait", async (person) => {
  await person.page.focus("#delay");
  await person.page.keyboard.press("ArrowRight");
  await person.page.keyboard.press("ArrowRight");
  await person.sees("#delay-value", "after 2 s");
  await until("Turn to be slow", async () => {
    return await person.page.$eval("#delay", (slider) => (slider as HTMLInputElement).value) ===
      "2";
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await person.enters("#dial-code", "*120*8864#");
  await person.sees("#ussd-text", "Please wait. Reply 1.");
  await person.sees("#ussd-origin", "A screen of the bridge’s own");
  await person.sees(".trace", /Please wait.*the bridge's own screen/);
  assert.deepEqual(await person.texts("#turn .said.service"), []);
  await person.sees("#turn .said.service", "held for the screen");
  await person.enters("#ussd-answer", "1");
  await person.sees("#ussd-text", "Welcome! What is your name?");
}, { flags: { "ussd-hold-text": "Please wait. Reply 1.", "ussd-answer-deadline": "0.5" } });

pageTest("a USSD session that is hung up is over, for the bridge too", async (person, { turn }) => {
  await person.enters("#dial-code", "*120*8864#");
  await person.sees("#ussd-text", "What is your name?");
  await person.clicks("#ussd-cancel");
  await person.sees("#phone .said.network", "Hung up");
  await person.sees(".trace", /hung up.*not for Turn/);
  await person.seesNo("#ussd");
  const told = turn.calls.filter(({ path }) => path === "/messages");
  assert.equal(told.length, 1, "Turn was told of more than the dialling");
});

pageTest("a USSD session that nobody answers times out", async (person, { transport }) => {
  const ends: unknown[] = [];
  using _watch = transport.watch({
    published: ({ session_event, content }) => {
      if (session_event === "close") ends.push(content);
    },
  });
  await person.enters("#dial-code", "*120*8864#");
  await person.sees("#ussd-text", "What is your name?");
  await person.sees("#ussd-left", /^0:0\d left$/);
  await person.sees("#ussd-text", "timed out");
  await person.sees("#phone .said.network", "Timed out");
  await person.clicks("#ussd-cancel");
  await person.seesNo("#ussd");
  assert.deepEqual(ends, [null]);
}, { ussdTimeoutMs: 2_500 });

pageTest(
  "Turn fails and recovers, and nothing is lost",
  async (person, { turn }) => {
    await playsTurnByHand(person);
    await person.clicks("#answers input[value='500']");
    await person.sees("#mode-means", "Turn is broken");
    const texts = ["One", "Two", "Three"];
    for (const text of texts) await person.enters("#text-content", text);
    await person.chooses("#phones", OTHER);
    await person.enters("#text-content", "Four");
    await person.sees(".trace", /One.*trying again/);
    await person.sees(".trace", "Four");
    assert.deepEqual(await person.texts("#turn .said"), []);
    await person.clicks("#answers input[value='200']");
    await person.chooses("#contacts", USER);
    await person.sees("#turn .said", "Three");
    assert.deepEqual(await person.texts("#turn .words"), texts, "not in order, or not once");
    await person.chooses("#contacts", OTHER);
    await person.sees("#turn .said", "Four");
    assert.deepEqual(await person.texts("#sums dd"), ["4", "4", "0", "0"]);
    const failed = turn.calls.length - 4;
    assert.ok(failed >= 2, `Turn has failed only ${failed} times`);
  },
  { flags: { "max-retries": "50", "retry-delay-exponent": "1" } },
);

pageTest(
  "a message that Turn refuses is parked, and goes through when it is replayed",
  async (person) => {
    await playsTurnByHand(person);
    await person.clicks("#answers input[value='400']");
    await person.sees("#mode-means", "Turn refuses");
    await person.enters("#text-content", "Please call me back");
    await person.sees("#parked-title", "1 message is parked");
    await person.sees("#parked li", /\+26612345678 Turn answered 400/);
    await person.sees(".trace", /Please call me back.*parked/);
    await person.clicks("#answers input[value='200']");
    await person.sees("#mode-means", "All is well");
    await person.clicks("#parked li button");
    await person.sees("#turn .said.user", "Please call me back");
    await person.seesNo("#parked");
    assert.deepEqual(await person.texts("#sums dd"), ["1", "1", "0", "0"]);
  },
);

pageTest(
  "what Turn sends with a wrong signature, or an unknown reply_to, is refused",
  async (person) => {
    await playsTurnByHand(person);
    await person.enters("#text-content", "Hello");
    await person.sees("#turn .said.user", "Hello");
    await person.clicks("#send summary");
    await person.clicks("#send-bad");
    await person.enters("#send-text", "Signed wrongly");
    await person.sees("#turn .said.failed", "the bridge said 401");
    await person.clicks("#send-bad");
    await person.page.select("#send-reply", "unknown-to-the-bridge");
    await person.enters("#send-text", "In answer to nothing");
    await person.sees("#turn .said.failed", "the bridge said 404");
    assert.deepEqual(await person.texts("#phone .said.service"), []);
    await person.clicks(".trace:nth-child(2) summary");
    await person.sees(".step.bad", "signature wrong");
    await person.sees(".headers", "X-Turn-Hook-Signature");
  },
);

pageTest("delivery reports are made by hand", async (person) => {
  await person.clicks("#reports");
  await person.sees(".by-hand", "Phone");
  await person.enters("#text-content", "Hello");
  await person.sees("#phone .said.service", "You wrote: Hello");
  await person.sees("#turn .outcome", "accepted");
  await person.clicks(".report-buttons button:nth-child(1)");
  await person.sees("#turn .outcome", "sent");
  await person.clicks(".report-buttons button:nth-child(3)");
  await person.sees("#turn .outcome", "delivered");
});

pageTest("what comes after is lost to nobody whose connection broke", async (person, playing) => {
  await person.enters("#text-content", "Before");
  await person.sees("#phone .said.service", "You wrote: Before");
  const { server, play } = playing;
  const port = Number(new URL(server.url).port);
  await server[Symbol.asyncDispose]();
  await person.sees("#link[data-state=lost]", "Connection lost");
  await play.act({ do: "text", address: USER, text: "Meanwhile" });
  await using _again = new PageServer({ hostname: "127.0.0.1", port, play });
  await person.sees("#link[data-state=ok]", "Live");
  await person.sees("#phone .said.service", "You wrote: Meanwhile");
  assert.deepEqual(await person.texts("#phone .words"), [
    "Before",
    "You wrote: Before",
    "Meanwhile",
    "You wrote: Meanwhile",
  ]);
  // The browser tells of the broken connection by itself.
  const others = person.faults.filter((fault) => !fault.includes("net::ERR_"));
  assert.deepEqual(others, []);
  (person.faults as string[]).length = 0;
});

pageTest("several users write at once, and a dot tells of the others", async (person, { play }) => {
  await person.clicks(".adder summary");
  await person.enters("#add-address", "+27831234567");
  await person.sees("#owner", "+27831234567");
  await Promise.all([USER, OTHER, "+27831234567"].map((address) => {
    return play.act({ do: "text", address, text: `From ${address}` });
  }));
  await person.sees("#phone .said.service", "You wrote: From +27831234567");
  await person.sees("#phones .person.new", USER);
  await person.sees("#phones .person.new", OTHER);
  await person.chooses("#phones", OTHER);
  await person.sees("#phone .said.service", `You wrote: From ${OTHER}`);
  assert.equal((await person.texts("#contacts button")).length, 3);
});

pageTest("the tour plays at the page", async (person) => {
  await person.clicks("#tour");
  await person.sees("#caption", "✓ statuses: what became of it reaches Turn");
  await person.sees("#caption", "✓ inbound");
  await person.sees("#phone .words", "2. Friday - at noon");
  await person.sees("#phone .said.user .meta", "picked 2 of 2 as list_reply");
  await person.chooses("#phones", OTHER);
  await person.sees("#ussd-text", "Get well soon. Goodbye!");
});

pageTest("load is drawn while it is on, and has no phones", async (person) => {
  await person.page.focus("#load");
  for (let step = 0; step < 5; step++) await person.page.keyboard.press("ArrowRight");
  await person.sees("#load-value", "50 messages/s");
  await person.sees("#charts", /[1-9]\d*\/s with Turn/);
  await person.sees("#charts", /median: [\d.]+ ms/);
  await person.page.keyboard.press("Home");
  await person.sees("#load-value", "off");
  await person.sees("#charts", "0/s sent0/s with Turn0 between");
  assert.equal((await person.texts("#phones button")).length, 2);
  assert.deepEqual(await person.texts(".trace"), []);
});

pageTest("a USSD session goes by keyboard alone", async (person) => {
  await person.page.focus("#dial-code");
  await person.page.keyboard.press("Enter");
  await person.sees("#ussd-text", "What is your name?");
  await until("the focus on the answer", async () => await person.focus() === "ussd-answer");
  await person.page.keyboard.type("Neo");
  await person.page.keyboard.press("Enter");
  await person.sees("#ussd-text", "Hello Neo.");
  await until("the focus on the answer", async () => await person.focus() === "ussd-answer");
  await person.page.keyboard.press("Escape");
  await person.sees("#phone .said.network", "Hung up");
  assert.equal(await person.focus(), "dial-code");
});

browserTest("the phone alone has no Turn beside it", async () => {
  const broker = MemoryBroker.open();
  await using transport = new Transport("smpp", broker);
  await using play = new PhonePlay({ transport, number: "8110" });
  play.start();
  await using server = new PageServer({ hostname: "127.0.0.1", port: 0, play });
  await using view = await openView(server.url, { width: 375 });
  const person = new Person(view.page, view.faults);
  await person.sees("#bridge-about", "smpp");
  await person.enters("#text-content", "Hello?");
  await person.sees(".trace", "Hello?");
  assert.deepEqual(await person.texts("#turn, #load, #tour, .panes"), []);
  assert.equal(broker.waiting("smpp.inbound").length, 1);
  assert.deepEqual(view.faults, []);
});
