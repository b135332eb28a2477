/// <reference lib="dom" />
/**
 * How the page looks to everybody: narrow, dark, in any script, to a screen reader.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cutOff, seriousFaults } from "./page_faults.ts";
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
