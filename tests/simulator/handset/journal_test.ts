import assert from "node:assert/strict";
import type { LogLine } from "../../../src/simulator/handset/events.ts";
import { Journal } from "../../../src/simulator/handset/journal.ts";

const HELLO = {
  kind: "hello",
  whole: true,
  media: "both",
  networks: [],
  number: "1",
  ussdCode: "*1#",
  connector: "c",
} as const;

function line(text: string): LogLine {
  return { kind: "log", level: "WARNING", text, at: 0 };
}

/** Listens, and tells what was heard: whether anew, the texts, and the last number. */
function listen(journal: Journal, lastId = "") {
  const frames: string[] = [];
  const listening = journal.listen(lastId, HELLO, [], (frame) => frames.push(frame));
  const events = () => frames.map((frame) => JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? ""));
  return {
    [Symbol.dispose]: () => listening[Symbol.dispose](),
    anew: () => events()[0].anew,
    texts: () => events().flatMap(({ kind, text }) => kind === "log" ? [text] : []),
    lastId: () => frames.map((frame) => /^id: (.*)$/m.exec(frame)?.[1]).findLast(Boolean) ?? "",
  };
}

Deno.test("Journal tells newcomers all that is kept, and then what comes", () => {
  const journal = new Journal();
  journal.add(line("a"));
  using listener = listen(journal);
  journal.add(line("b"));
  assert.equal(listener.anew(), true);
  assert.deepEqual(listener.texts(), ["a", "b"]);
});

Deno.test("Journal tells who comes back what was missed, and no more", () => {
  const journal = new Journal();
  let lastId = "";
  {
    using listener = listen(journal);
    journal.add(line("a"));
    lastId = listener.lastId();
  }
  journal.add(line("b"));
  using listener = listen(journal, lastId);
  assert.equal(listener.anew(), false);
  assert.deepEqual(listener.texts(), ["b"]);
  using again = listen(journal, listener.lastId());
  assert.equal(again.anew(), false);
  assert.deepEqual(again.texts(), []);
});

Deno.test("Journal begins anew with who missed more than is kept", () => {
  const journal = new Journal(2);
  journal.add(line("a"));
  using listener = listen(journal);
  const lastId = listener.lastId();
  for (const text of ["b", "c"]) journal.add(line(text));
  using inTime = listen(journal, lastId);
  assert.deepEqual([inTime.anew(), inTime.texts()], [false, ["b", "c"]]);
  journal.add(line("d"));
  using late = listen(journal, lastId);
  assert.deepEqual([late.anew(), late.texts()], [true, ["c", "d"]]);
});

for (const lastId of ["other-1", "1", "-", "x-y", "", "-1", "life-1-2"]) {
  Deno.test(`Journal begins anew with who says ${JSON.stringify(lastId)}`, () => {
    const journal = new Journal();
    journal.add(line("a"));
    using listener = listen(journal, lastId);
    assert.deepEqual([listener.anew(), listener.texts()], [true, ["a"]]);
  });
}

Deno.test("Journal begins anew with who has heard what was never said", () => {
  const journal = new Journal();
  journal.add(line("a"));
  using listener = listen(journal);
  using other = listen(journal, listener.lastId().replace(/\d+$/, "7"));
  assert.equal(other.anew(), true);
});

Deno.test("Journal keeps no more characters than it may", () => {
  const journal = new Journal(2_000, 1_000);
  for (let n = 0; n < 100; n++) journal.add(line(`${n} ${"x".repeat(90)}`));
  using listener = listen(journal);
  const { length } = listener.texts();
  assert.ok(length > 1 && length < 10, `${length} are kept`);
});

Deno.test("Journal tells nobody who has gone", () => {
  const journal = new Journal();
  const listener = listen(journal);
  assert.equal(journal.listeners, 1);
  listener[Symbol.dispose]();
  journal.add(line("a"));
  assert.equal(journal.listeners, 0);
  assert.deepEqual(listener.texts(), []);
});
