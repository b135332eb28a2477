/// <reference lib="dom" />
/**
 * Makes the README's pictures anew: `TEST_CHROMIUM=… deno run -A tests/simulator/screenshots.ts`.
 *
 * @module
 */

import { PageServer } from "../../src/simulator/handset/server.ts";
import { openView, type ViewOptions } from "../support/chromium.ts";
import { Person } from "./page_support.ts";
import { startDemoPlay } from "./play.ts";

const USER = "+26612345678";
const OTHER = "+26687654321";

type Playing = Awaited<ReturnType<typeof startDemoPlay>>;

const PICTURES: Readonly<
  Record<string, { view: ViewOptions; act: (person: Person, playing: Playing) => Promise<void> }>
> = {
  sms: { view: {}, act: converse },
  ussd: { view: { dark: true }, act: dial },
  failure: { view: {}, act: fail },
};

async function converse(person: Person, { play }: Playing): Promise<void> {
  await play.act({ do: "setTurnReplies", on: false });
  await person.enters("#text-content", "Good morning! Is the clinic open today?");
  await person.sees("#turn .said.user", "Good morning!");
  await person.enters("#send-text", "Yes, until five o'clock. Shall we book a visit for you?");
  await person.sees("#turn .outcome", "delivered");
  await person.enters("#text-content", "ከሰዓት በኋላ እመጣለሁ, thank you!");
  await person.sees("#turn .said.user", "thank you!");
  await person.clicks(".trace:first-child summary");
}

async function dial(person: Person, { play }: Playing): Promise<void> {
  await play.act({ do: "text", address: USER, text: "Please call me back" });
  await person.sees("#turn .outcome", "delivered");
  await person.chooses("#phones", OTHER);
  await person.enters("#dial-code", "*120*8864#");
  await person.sees("#ussd-text", "What is your name?");
  await person.enters("#ussd-answer", "Thandi");
  await person.sees("#ussd-text", "Hello Thandi");
  await person.chooses("#contacts", OTHER);
}

async function fail(person: Person, { play }: Playing): Promise<void> {
  await play.act({ do: "setLoad", rate: 120 });
  await rest(6_000);
  await play.act({ do: "text", address: OTHER, text: "What are your opening hours?" });
  await person.sees("#phones .person.new", OTHER);
  await play.act({ do: "setTurnAnswers", mode: "400" });
  await play.act({ do: "setLoad", rate: 0 });
  await rest(600);
  await play.act({ do: "setTurnAnswers", mode: "200" });
  await play.act({ do: "replay", key: "all" });
  await rest(1_500);
  await play.act({ do: "setTurnAnswers", mode: "400" });
  await play.act({ do: "text", address: USER, text: "Please call me back" });
  await person.sees("#parked-title", "1 message is parked");
  await play.act({ do: "setTurnAnswers", mode: "500" });
  await play.act({ do: "setLoad", rate: 120 });
  await play.act({ do: "text", address: USER, text: "Hello? Is anybody there?" });
  await person.sees("#health", "Breaker open");
  await rest(2_000);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

for (const [name, { view: options, act }] of Object.entries(PICTURES)) {
  await using playing = await startDemoPlay();
  const { play } = playing;
  await using server = PageServer.listen({ hostname: "127.0.0.1", port: 0, play });
  await using view = await openView(server.url, { width: 1280, height: 780, ...options });
  await act(new Person(view.page, view.faults), playing);
  await rest(800);
  await view.page.screenshot({
    path: new URL(`./screenshots/${name}.webp`, import.meta.url).pathname as `${string}.webp`,
    type: "webp",
    quality: 60,
  });
  await play.act({ do: "setLoad", rate: 0 });
}
