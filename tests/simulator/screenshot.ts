/**
 * Takes README's picture anew: `TEST_CHROMIUM=… deno run -A tests/simulator/screenshot.ts`.
 *
 * @module
 */

import { PageServer } from "../../src/simulator/handset/server.ts";
import { closeBrowser, openView } from "../support/chromium.ts";
import { Person } from "./page_support.ts";
import { startDemoPlay } from "./play.ts";

const USER = "+26612345678";
const OTHER = "+26687654321";
/** Narrow, so that README shows it large; sharp on a screen with fine pixels. */
const WINDOW = { width: 1210, height: 700, scale: 2 };
const { pathname } = new URL("../../docs/demo.webp", import.meta.url);

await using playing = await startDemoPlay();
const { play } = playing;
await using server = new PageServer({ hostname: "127.0.0.1", port: 0, play });
await using stack = new AsyncDisposableStack();
stack.defer(closeBrowser);
const view = stack.use(await openView(server.url, WINDOW));
const person = new Person(view.page, view.faults);

await play.act({ do: "dial", address: OTHER, code: "*120*8864#" });
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
await view.page.screenshot({ path: pathname as `${string}.webp`, type: "webp", quality: 70 });
