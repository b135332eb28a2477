/**
 * Transcripts of the handset's page, replayed: the bridge's code for content makes the same screens of
 * what Turn has sent.
 *
 * @module
 */

import assert from "node:assert/strict";
import { preview, type PreviewOptions, warningsOf } from "../../src/preview/mod.ts";
import { PageServer } from "../../src/simulator/handset/server.ts";
import type { Entry, Transcript } from "../../src/simulator/handset/transcripts.ts";
import { decodeRequest } from "../../src/turn/request.ts";
import { startDemoPlay } from "../simulator/play.ts";
import { until } from "../support/until.ts";
import { OPTIONS } from "./support.ts";

const USER = "+26612345678";
const CODE = "*120*8864#";

const READING: PreviewOptions = {
  ...OPTIONS,
  readMessage: (sent) => {
    const read = decodeRequest(new TextEncoder().encode(JSON.stringify({ to: "0", ...sent })));
    return read.kind === "request" ? read.request : undefined;
  },
};

function replayed(transcript: unknown, options: Partial<PreviewOptions> = {}) {
  const bytes = new TextEncoder().encode(JSON.stringify(transcript));
  return preview([{ name: "transcript.json", bytes }], { ...READING, ...options });
}

function screensOf(transcript: unknown): string[] {
  const [flow] = replayed(transcript).flows;
  return flow?.languages[0]?.steps.flatMap(({ pages }) => pages.map(({ text }) => text)) ?? [];
}

/** A conversation of the demo: two messages as one screen, a menu, a text of two pages; and then SMS. */
async function recorded(): Promise<{ readonly json: Transcript; readonly text: string }> {
  await using playing = await startDemoPlay();
  const { play } = playing;
  await using server = new PageServer({ hostname: "127.0.0.1", port: 0, play });
  const said = () =>
    play.transcript(USER).entries.flatMap((it) => it.by === "service" ? [it.text] : []);
  const next = async (act: () => Promise<void>) => {
    const { length } = said();
    await act();
    await until("a screen", () => said().length > length);
  };
  await play.act({ do: "setTurnMessages", count: 2 });
  await next(() => play.act({ do: "dial", address: USER, code: CODE }));
  await next(() => play.act({ do: "answer", address: USER, text: "Neo" }));
  await play.act({ do: "setTurnReplies", on: false });
  const { length } = playing.turn.calls;
  await play.act({ do: "answer", address: USER, text: "1" });
  await until("Turn to know", () => playing.turn.calls.length > length);
  await next(() =>
    play.act({
      ...{ do: "send", to: USER, content: "", waits: true, replyTo: "", badSignature: false },
      turn: { type: "text", text: { body: "word ".repeat(60) } },
    })
  );
  await next(() => play.act({ do: "answer", address: USER, text: "98" }));
  // Also an answer that is empty begins a new screen.
  await play.act({ do: "answer", address: USER, text: "" });
  await until("Turn to know", () => playing.turn.calls.length > length + 1);
  await next(() =>
    play.act({
      ...{ do: "send", to: USER, content: "", waits: true, replyTo: "", badSignature: false },
      turn: { type: "text", text: { body: "Please answer." } },
    })
  );
  await play.act({ do: "hangUp", address: USER });
  await play.act({ do: "setTurnReplies", on: true });
  await next(() => play.act({ do: "text", address: USER, text: "Hello" }));
  const get = (name: string) =>
    fetch(`${server.url}${name}?phone=${encodeURIComponent(USER)}`).then((it) => it.text());
  await until("answers to Turn", () => {
    return play.transcript(USER).entries.every((it) => it.by !== "turn" || it.status !== null);
  });
  return { json: JSON.parse(await get("transcript.json")), text: await get("transcript.txt") };
}

const shownIn = ({ entries }: Transcript) =>
  entries.flatMap((it) => it.by === "service" && it.medium === "ussd" ? [it.text] : []);

Deno.test("a transcript is replayed: the bridge's code makes the same screens of what Turn has sent", async () => {
  const { json, text } = await recorded();
  const screens = screensOf(json);
  assert.deepEqual(screens, shownIn(json));
  assert.equal(screens.length, 5);
  assert.match(screens[1] ?? "", /1\. Well\n2\. Not so well$/);
  assert.match(screens[2] ?? "", /\n98\. More$/);
  const kinds = warningsOf(replayed(json)).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["pages"]);
  const bySms = replayed(json, { medium: "sms" });
  assert.deepEqual(bySms.flows[0]?.languages[0]?.steps.map(({ pages }) => pages[0]?.text), [
    "Glad to hear it, Neo.",
    "Goodbye!",
  ]);
  assert.match(text, /^\+26612345678 on play, \d{4}-\d\d-\d\d UTC\nOperator: 182 characters/);
  assert.match(text, /^\d\d:\d\d:\d\d You \(USSD\): \*120\*8864#$/m);
  assert.match(text, /^\d\d:\d\d:\d\d Turn sent: interactive$/m);
  assert.match(text, /^\d\d:\d\d:\d\d Warning \(USSD\): Your flow sent two messages; they were/m);

  // What a phone has shown otherwise is found.
  const changed = (entry: Entry): Entry =>
    entry.by === "service" ? { ...entry, text: entry.text.replace("1. Well", "1. Wel") } : entry;
  const differing = { ...json, entries: json.entries.map(changed) };
  assert.deepEqual(warningsOf(replayed(differing)).map(({ kind, card }) => [kind, card]), [
    ["differs", 'After "Neo"'],
    ["pages", 'After "1"'],
  ]);
  // Without what Turn has sent, as with a bridge elsewhere, the screens are as they were.
  const seen = { ...json, entries: json.entries.filter(({ by }) => by !== "turn") };
  assert.deepEqual(screensOf(seen), shownIn(json));
});

Deno.test("a transcript that is not whole is read as far as it goes", () => {
  const entries = [
    null,
    { by: "user", medium: "ussd", text: CODE },
    { by: "turn", turn: { type: "text" }, status: 200 },
    { by: "turn", turn: 7, status: 200 },
    { by: "turn", turn: { type: "text", text: { body: "Hi" } }, status: 200 },
    { by: "turn", turn: { type: "text", text: { body: "Refused" } }, status: 422 },
    { by: "nobody" },
  ];
  const { flows, unread } = replayed({ transcript: "turn-channels/1", phone: USER, entries });
  assert.deepEqual(flows[0]?.languages[0]?.steps.map(({ pages }) => pages[0]?.text), ["Hi"]);
  assert.deepEqual(unread.map(({ where }) => where), ["entry 1", "entry 3", "entry 4", "entry 7"]);
  assert.deepEqual(
    warningsOf(replayed({ transcript: "turn-channels/1", phone: "", entries: [] })),
    [],
  );
  const other = replayed({ transcript: "turn-channels/2", phone: "", entries: [] });
  assert.equal(other.flows.length, 0);
});
