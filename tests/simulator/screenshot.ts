/**
 * Takes the documentation's pictures anew: `TEST_CHROMIUM=… deno run -A tests/simulator/screenshot.ts`.
 *
 * @module
 */

import { PageServer } from "../../src/simulator/handset/server.ts";
import { closeBrowser, openView } from "../support/chromium.ts";
import { Person } from "./page_support.ts";
import { startDemoPlay } from "./play.ts";

const USER = "+26612345678";
const OTHER = "+26687654321";
const CODE = "*120*8864#";
/** Narrow, so that README shows it large; sharp on a screen with fine pixels. */
const WINDOW = { width: 1210, height: 700, scale: 2 };
/** As wide as the phone needs. */
const PHONE = { width: 375, height: 780, scale: 1.5 };

type Shown = Awaited<ReturnType<typeof open>>;

async function open(window: typeof WINDOW) {
  await using parts = new AsyncDisposableStack();
  const { play, turn } = parts.use(await startDemoPlay());
  const server = parts.use(new PageServer({ hostname: "127.0.0.1", port: 0, play }));
  const view = parts.use(await openView(server.url, window));
  const person = new Person(view.page, view.faults);
  const all = parts.move();
  return { play, turn, person, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function pathOf(name: string): `${string}.webp` {
  return new URL(`../../docs/${name}.webp`, import.meta.url).pathname as `${string}.webp`;
}

/** The whole page. */
async function takeDemo({ play, person }: Shown): Promise<void> {
  await play.act({ do: "dial", address: OTHER, code: CODE });
  await person.sees("#turn .said", "What is your name?");
  await play.act({ do: "setTurnReplies", on: false });
  await person.enters("#text-content", "Good morning! Is the clinic open today?");
  await person.chooses("#contacts", USER);
  await person.sees("#turn .said.user", "Good morning!");
  await person.page.select("#send-kind", "buttons");
  await person.enters("#send-text", "Yes, until five o'clock. Shall we book a visit for you?");
  await person.sees("#turn .outcome", "delivered");
  await person.enters("#text-content", "1");
  await person.sees("#turn .said.user", "picked 1 of 3");
  // The conversation matters more here than the fields.
  await person.page.select("#send-kind", "text");
  await new Promise((resolve) => setTimeout(resolve, 800));
  await person.page.screenshot({ path: pathOf("demo"), type: "webp", quality: 70 });
}

/** The phone, after a user has dialled and Turn has sent something. */
async function takePhone(
  name: string,
  warning: string,
  messages: readonly unknown[],
): Promise<void> {
  await using shown = await open(PHONE);
  const { play, turn, person } = shown;
  await play.act({ do: "setTurnReplies", on: false });
  await play.act({ do: "dial", address: USER, code: CODE });
  await turn.received(1);
  for (const [index, message] of messages.entries()) {
    const waits = index === messages.length - 1;
    const usual = { to: USER, content: "", replyTo: "", badSignature: false };
    await play.act({ do: "send", turn: Object(message), waits, ...usual });
  }
  await person.sees("#ussd-warnings li", warning);
  await person.sees("#ussd-size", "of");
  const device = await person.page.$(".device");
  await device?.screenshot({ path: pathOf(name), type: "webp", quality: 70 });
}

const ROWS = [
  "Maize",
  "Sorghum",
  "Beans",
  "Cowpeas",
  "Groundnuts",
  "Sunflower",
  "Cassava",
  "Millet",
];
const MENU = {
  type: "interactive",
  interactive: {
    type: "list",
    body: {
      text: "Which crop do you want to hear about this week? Choose the one you plant most.",
    },
    action: {
      button: "Crops",
      sections: [{ rows: ROWS.map((title) => ({ id: title, title: `${title}, early` })) }],
    },
  },
};
const text = (body: string) => ({ type: "text", text: { body } });

await using stack = new AsyncDisposableStack();
stack.defer(closeBrowser);
{
  await using shown = await open(WINDOW);
  await takeDemo(shown);
}
await takePhone("handset-pages", "more than one screen", [MENU]);
await takePhone("handset-merged", "were merged", [
  text("Welcome to Harvest Line!"),
  text("When do you plant?"),
]);
await takePhone("handset-warning", "sticker", [
  { type: "sticker", sticker: { id: "1" } },
  text("Please tell us your name."),
]);
