/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The page for those who write flows: what a flow does wrong, operators, transcripts; and how it is used
 * on a small screen and by keyboard.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Sample } from "../../src/simulator/handset/events.ts";
import { until } from "../support/until.ts";
import { cutOff, seriousFaults } from "./page_faults.ts";
import { pageTest, type Person } from "./page_support.ts";

const USER = "+26612345678";
const OTHER = "+26687654321";
const CODE = "*120*8864#";

const text = (body: string) => ({ type: "text", text: { body } });

function sent(turn: Readonly<Record<string, unknown>>) {
  const usual = { to: USER, content: "", waits: true, replyTo: "", badSignature: false };
  return { do: "send", turn, ...usual } as const;
}

pageTest(
  "the phone says what a flow does wrong, on the screen and in the thread",
  async (person, { play, turn }) => {
    await play.act({ do: "setTurnMessages", count: 2 });
    await person.enters("#dial-code", CODE);
    const merged = "Your flow sent two messages; they were merged.";
    await person.sees("#ussd-warnings li", merged);
    await person.sees("#phone .thread > .warning", merged);
    assert.deepEqual(await seriousFaults(person), []);
    await play.act({ do: "setTurnReplies", on: false });
    const { length } = turn.calls;
    await person.enters("#ussd-answer", "Neo");
    await until("Turn to know", () => turn.calls.length > length);
    await person.seesNo("#ussd-warnings li");
    await play.act(sent({ type: "sticker", sticker: { id: "1" } }));
    await person.sees("#ussd-warnings li", "Refused: nothing to show for a sticker.");
    await play.act(sent(text("word ".repeat(60))));
    await person.sees("#ussd-warnings li", "Your flow's text takes more than one screen");
    await person.sees("#ussd-text", "98. More");
    await person.sees("#ussd-size", /^1\d\d of 182 characters$/);
    // A page that is opened now knows what was said of this screen, and not of those before.
    await person.page.reload();
    await person.sees("#ussd-text", "98. More");
    assert.deepEqual((await person.texts("#ussd-warnings li")).map((words) => words.slice(0, 9)), [
      "Refused: ",
      "Your flow",
    ]);
  },
);

pageTest("the phone says how late a message came", async (person, { play }) => {
  await play.act({ do: "setTurnDelay", seconds: 9 });
  await person.enters("#dial-code", CODE);
  await person.sees("#ussd-wait", /^The network waits 1\d s more for a screen$/);
  await person.sees(
    "#ussd-warnings li",
    /^This came (9|1\d) s after the user dialled: (some|most) networks have hung up\.$/,
  );
  await person.sees("#ussd-text", "What is your name?");
});

pageTest("an operator and a bad network are chosen, and a code is remembered", async (person) => {
  const choices = await person.page.$eval("#network", (it) => (it as HTMLSelectElement).length);
  assert.equal(choices, 6);
  await person.page.select("#network", "small-hurried");
  await person.enters("#dial-code", "*130*7#");
  await person.sees("#ussd-title", "*130*7#");
  await person.sees("#ussd-size", "of 160 characters");
  await person.clicks("#ussd-cancel");
  await person.clicks("#bad-network");
  await person.page.reload();
  await person.sees("#link", "Live");
  const [code, network, isBad] = await person.page.evaluate(() => {
    const value = (id: string) => (document.getElementById(id) as HTMLInputElement);
    return [value("dial-code").value, value("network").value, value("bad-network").checked];
  });
  assert.deepEqual([code, network, isBad], ["*130*7#", "small-hurried", true]);
});

pageTest("a link opens the page with the same phone and code", async (person) => {
  await person.chooses("#phones", OTHER);
  await person.page.$eval("#dial-code", (field) => (field as HTMLInputElement).select());
  await person.page.type("#dial-code", "*130*8#");
  await person.page.keyboard.press("Tab");
  const [link = ""] = await person.page.$$eval(
    "#phone-link",
    (links) => links.map((link) => (link as HTMLAnchorElement).href),
  );
  assert.ok(link.endsWith(`/?${new URLSearchParams({ phone: OTHER, code: "*130*8#" })}`), link);
  const url = new URL(link);
  url.searchParams.set("phone", "+27831234567");
  await person.page.evaluate(() => localStorage.clear());
  await person.page.goto(url.href);
  await person.sees("#owner", "+27831234567");
  await person.clicks("#dial .call");
  await person.sees("#ussd-title", "*130*8#");
});

pageTest("a transcript is copied, and downloaded as text and as JSON", async (person) => {
  const { page } = person;
  // A browser without a window may have no clipboard.
  await page.evaluate(() => {
    const clipboard = {
      writeText: (text: string) => Promise.resolve(void (document.title = text)),
    };
    Object.defineProperty(navigator, "clipboard", { value: clipboard });
  });
  await person.enters("#text-content", "Hello");
  await person.sees("#phone .said.service", "You wrote: Hello");
  await person.clicks("#copy-transcript");
  await person.sees("#toast", "The transcript was copied.");
  const copied = await page.title();
  assert.match(copied, /You \(SMS\): Hello.*Service \(SMS\): You wrote: Hello/);
  const got = await page.evaluate(async () => {
    const links = [...document.querySelectorAll<HTMLAnchorElement>("a[download]")];
    return await Promise.all(links.map(async ({ href }) => {
      const response = await fetch(href);
      return [response.headers.get("content-disposition"), await response.text()];
    }));
  });
  assert.equal(got.length, 2);
  const [name, words] = got[0] ?? [];
  assert.equal(name, 'attachment; filename="transcript.txt"');
  // A title has one line.
  assert.equal(words?.replaceAll(/\s+/g, " ").trim(), copied);
  assert.equal(JSON.parse(got[1]?.[1] ?? "").transcript, "turn-channels/1");
  assert.match(got[1]?.[1] ?? "", /"body": "You wrote: Hello"/);
});

pageTest(
  "the messages are one stop of the tab key, and arrow keys go through them",
  async (person, { play }) => {
    for (const words of ["One", "Two", "Three"]) {
      await play.act({ do: "text", address: USER, text: words });
    }
    await until("all of them", async () => (await person.texts(".trace summary")).length === 12);
    const stops = async () =>
      await person.page.evaluate(() => {
        return [...document.querySelectorAll<HTMLElement>("#traces *")]
          .filter(({ tabIndex }) => tabIndex >= 0).length;
      });
    assert.equal(await stops(), 1);
    const focused = () =>
      person.page.evaluate(() => {
        const { activeElement } = document;
        return [...document.querySelectorAll("#traces summary")].findIndex((it) =>
          it === activeElement
        );
      });
    await person.page.focus('#traces summary[tabindex="0"]');
    const visited = [];
    for (const key of ["Home", "ArrowDown", "ArrowDown", "ArrowUp", "End", "ArrowDown"] as const) {
      await person.page.keyboard.press(key);
      visited.push(await focused());
    }
    assert.deepEqual(visited, [0, 1, 2, 1, 11, 11]);
    await person.page.keyboard.press("Enter");
    await person.sees(".step pre", /./);
    assert.equal(await stops(), 1, "with one that is open");
    await person.page.keyboard.press("Tab");
    assert.equal(await focused(), -1);
  },
);

pageTest("times have seconds, and load counts in the big numbers", async (person, { play }) => {
  await person.enters("#text-content", "Hello");
  await person.sees("#phone .said .meta", /\d:\d\d:\d\d/);
  await person.sees("#turn .said .meta", /\d:\d\d:\d\d/);
  await play.act({ do: "setLoad", rate: 100 });
  await person.sees("#sums div:nth-child(1)", /\d\d/);
  await play.act({ do: "setLoad", rate: 0 });
  await until("all to be with Turn", async () => {
    const [written, delivered, underWay] = await person.texts("#sums dd");
    return written === delivered && underWay === "0" && Number(written) > 9;
  });
});

pageTest("charts have units, and a spike does not flatten the rest", async (person, { play }) => {
  const delays = [10, 14, 10, 14, 10, 14, 9_000, 10, 14];
  for (const p95Ms of delays) {
    const sample: Sample = {
      ...{ kind: "sample", sent: 50, delivered: 50, between: 0, sentInAll: 50 },
      ...{ medianMs: 10, p95Ms },
    };
    play.journal.tell(sample);
  }
  await person.sees("#charts figure:nth-child(1) .top-value", "50/s");
  await person.sees("#charts figure:nth-child(2) .top-value", /^\d+ ms, peak 9000 ms$/);
  await person.sees("#charts", "95 %: 14 ms");
  const heights = await person.page.evaluate(() => {
    const points = document.querySelector("#charts figure:nth-child(2) .line-0")
      ?.getAttribute("points") ?? "";
    return points.split(" ").map((point) => Number(point.split(",")[1]));
  });
  assert.ok(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0)) > 4, `${heights}`);
});

pageTest("all three columns are in view at 1024 × 768", async (person, { play }) => {
  await play.act({ do: "text", address: USER, text: "Hello" });
  await person.sees("#turn .said.service", "You wrote: Hello");
  await play.act({ do: "setLoad", rate: 10 });
  await person.sees("#charts", "with Turn");
  await play.act({ do: "setLoad", rate: 0 });
  const ids = ["phone", "bridge", "turn"];
  const controls = ["#text button", "#dial button", "#network", "#phone-link", "#send-text"];
  const seen = [...ids.map((id) => `#${id} h2`), ...controls, "#send [type=submit]", ".trace"];
  assert.deepEqual(await outsideOfWindow(person, seen), []);
  const lefts = await person.page.evaluate((ids) => {
    return ids.map((id) => document.getElementById(id)?.getBoundingClientRect().left ?? 0);
  }, ids);
  assert.deepEqual([...new Set(lefts)].sort((a, b) => a - b), lefts, "side by side");
  assert.deepEqual(await cutOff(person), []);
}, { width: 1024, height: 768 });

async function outsideOfWindow(person: Person, selectors: readonly string[]): Promise<string[]> {
  return await person.page.evaluate((selectors) => {
    return selectors.filter((selector) => {
      const box = document.querySelector(selector)?.getBoundingClientRect();
      return box === undefined || box.width === 0 || box.top < 0 || box.left < 0 ||
        box.right > innerWidth || box.bottom > innerHeight;
    });
  }, selectors as string[]);
}
