/// <reference lib="dom" />
/**
 * How the page looks to everybody: narrow, dark, in any script, to a screen reader.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type DemoPlaying, pageTest, type Person } from "./page_support.ts";

const USER = "+26612345678";
const IMAGE = "<img src=x onerror=document.title='run'>";
const LONG = `Donaudampfschiffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft`
  .repeat(4);
const KINDS = ["buttons", "list", "picture", "location", "template", "json", "text"];
const SCRIPTS = "እንዴት ነህ? مرحبا بالعالم 你好，世界 नमस्ते दुनिया";

/** Makes the page show all that it can. To type it all would take long. */
async function showsAll(person: Person, { play }: DemoPlaying): Promise<void> {
  for (const text of [IMAGE, LONG, SCRIPTS]) await play.act({ do: "text", address: USER, text });
  await person.sees("#phone .said.service", `You wrote: ${SCRIPTS}`);
}

pageTest("markup is shown as text, wherever it comes from", async (person, { play }) => {
  await person.enters("#text-content", IMAGE);
  await person.sees("#phone .said.service", `You wrote: ${IMAGE}`);
  await person.sees("#turn .said.user", IMAGE);
  await person.sees(".trace .text", IMAGE);
  await person.clicks(".trace:last-child summary");
  await person.sees(".step pre", IMAGE);
  await play.act({ do: "add", address: IMAGE.slice(0, 40) });
  await person.sees("#phones button", IMAGE.slice(0, 40));
  await play.act({ do: "dial", address: USER, code: IMAGE.slice(0, 40) });
  await person.sees("#ussd-title", IMAGE.slice(0, 40));
  assert.equal(await person.page.$eval("h1 img", () => document.images.length), 1);
  assert.equal(await person.page.title(), "play: the handset");
});

pageTest("nothing is run or loaded that is not the page's own", async (person) => {
  const caught = await person.page.evaluate(() => {
    try {
      document.body.innerHTML = "<p>injected</p>";
      return "written";
    } catch (error) {
      return String(error);
    }
  });
  assert.match(caught, /TrustedHTML/);
  const loaded = await person.page.evaluate(() => {
    return performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin);
  });
  assert.deepEqual([...new Set(loaded)], [new URL(person.page.url()).origin]);
  // Chromium says on the console what it has forbidden.
  (person.faults as string[]).length = 0;
});

for (const dark of [false, true]) {
  pageTest(
    `nothing is wider than 375 px, ${dark ? "dark" : "light"}`,
    async (person, playing) => {
      await showsAll(person, playing);
      for (const pane of ["phone", "bridge", "turn"]) {
        await person.clicks(`.panes [data-to=${pane}]`);
        await person.sees(`#${pane} h2`, /./);
        if (pane === "bridge") await person.clicks(".trace:last-child summary");
        if (pane === "turn") await person.clicks("#send summary");
        for (const kind of pane === "turn" ? KINDS : []) {
          await person.page.select("#send-kind", kind);
          assert.deepEqual(await cutOff(person), [], kind);
        }
        const [page, view] = await person.page.evaluate(() => {
          return [document.documentElement.scrollWidth, innerWidth];
        });
        assert.deepEqual([page, view], [375, 375], pane);
        assert.deepEqual(await cutOff(person), [], pane);
      }
    },
    { width: 375, height: 720, dark },
  );
}

/** What is seen, and begins or ends outside of the window. */
async function cutOff(person: Person): Promise<string[]> {
  return await person.page.evaluate(() => {
    const elements = document.querySelectorAll("main *, header *, nav *");
    const outside = [...elements].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return element.checkVisibility() && width > 1 && (left < 0 || right > innerWidth + 0.5);
    });
    return outside.map(({ tagName, id, className }) => `${tagName} ${id} ${className}`);
  });
}

for (const width of [1360, 900, 375]) {
  for (const dark of [false, true]) {
    pageTest(
      `axe finds nothing serious, ${width} px, ${dark ? "dark" : "light"}`,
      async (person, playing) => {
        const { play } = playing;
        await showsAll(person, playing);
        await play.act({ do: "setTurnAnswers", mode: "400" });
        await play.act({ do: "text", address: USER, text: "Parked" });
        await play.act({ do: "setReports", on: false });
        await play.act({ do: "setLoad", rate: 10 });
        const panes = width === 375 ? ["phone", "bridge", "turn"] : [""];
        for (const pane of panes) {
          if (pane !== "") await person.clicks(`.panes [data-to=${pane}]`);
          if (pane === "bridge" || pane === "") {
            await person.sees("#parked-title", "parked");
            await person.sees("#charts", "sent");
            await person.clicks(".trace:last-child summary");
            await person.clicks(".log summary");
          }
          if (pane === "turn" || pane === "") {
            await person.clicks("#send summary");
            // One width is enough: it changes nothing within the fields.
            for (const kind of width === 375 ? KINDS : []) {
              await person.page.select("#send-kind", kind);
              assert.deepEqual(await seriousFaults(person, "#send"), [], kind);
            }
          }
          assert.deepEqual(await seriousFaults(person), [], pane);
        }
        if (width === 375) await person.clicks(".panes [data-to=phone]");
        await play.act({ do: "setTurnAnswers", mode: "200" });
        await play.act({ do: "dial", address: USER, code: "*120*8864#" });
        await person.sees("#ussd-text", "What is your name?");
        assert.deepEqual(await seriousFaults(person), [], "with a session");
      },
      { width, dark },
    );
  }
}

const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));

/** What is wrong with the page, or a part of it. */
async function seriousFaults(person: Person, part = "body"): Promise<string[]> {
  // Not as a script of the page, which its policy forbids, but as the browser's own.
  await person.page.evaluate(AXE);
  const found = await person.page.evaluate(`axe.run(${JSON.stringify(part)})`) as {
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }[];
    readonly passes: readonly unknown[];
  };
  assert.ok(found.passes.length > (part === "body" ? 20 : 10), "axe has looked at next to nothing");
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}
