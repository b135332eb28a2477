import assert from "node:assert/strict";
import { type Answer, readAnswer, type Reading } from "../../src/bridge/answers.ts";
import {
  keepPages,
  keepPrompt,
  type Pages,
  type Prompt,
  readPages,
  readPrompt,
} from "../../src/bridge/prompts.ts";
import { createMessage, formatTimestamp, type Message } from "../../src/vumi/mod.ts";
import { CONTENT, FlakyCache, USSD } from "./support.ts";

const OPTIONS = [
  { kind: "list", id: "r1", title: "Yes" },
  { kind: "list", id: "r2", title: "No", description: "Not now" },
] as const;
const MENU: Prompt = { id: "t1", medium: "sms", options: OPTIONS };
const ON_USSD: Prompt = { ...MENU, medium: "ussd" };
const PAGES: Pages = {
  id: "t1",
  texts: ["one", "two", "three", "four"],
  sessionEvent: "close",
  broughtBy: [],
};

const HOUR_MS = 3_600_000;

/** A user who was asked something. */
class Asked implements AsyncDisposable {
  now = 0;
  readonly cache = new FlakyCache(() => this.now);
  readonly options = { cache: this.cache, ussd: USSD, content: CONTENT };

  static async by(prompt: Prompt, pages?: Pages): Promise<Asked> {
    const asked = new Asked();
    await asked.cache.putRecords([keepPrompt("+266", prompt, asked.options)]);
    if (pages) await asked.cache.putRecords([keepPages("+266", pages, asked.options)]);
    return asked;
  }

  /** What a message means; what is to be kept of it is. */
  async read(
    content: string | null,
    more: Partial<Message> = {},
    reading: Reading = "first",
  ): Promise<Answer> {
    const message = createMessage({
      message_id: content ?? "null",
      from_addr: "+266",
      to_addr: "8110",
      transport_name: "t",
      transport_type: "ussd",
      session_event: "resume",
      content,
      ...more,
    });
    const answer = await readAnswer(message, reading, this.options);
    if (answer.kind !== "past") await this.cache.putRecords(answer.records);
    return answer;
  }

  async pages(): Promise<Pages | undefined> {
    return readPages(await this.cache.getRecord("pages", "+266"));
  }

  async prompt(): Promise<Prompt | undefined> {
    return readPrompt(await this.cache.getRecord("prompt", "+266"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache[Symbol.asyncDispose]();
  }
}

/** The number that was picked; what it is, if none was. */
function pickedBy(answer: Answer): number | string {
  return answer.kind === "choice" ? answer.chosen.number : answer.kind;
}

Deno.test("readAnswer() picks from the menu once, by what Turn sent", async () => {
  await using asked = await Asked.by(MENU);
  const answer = await asked.read("2");
  assert.ok(answer.kind === "choice");
  const { choice, number, of, by } = answer.chosen;
  assert.deepEqual(choice, { ...OPTIONS[1], contextId: "t1" });
  assert.deepEqual([number, of, by], [2, 2, "number"]);
  assert.equal(await asked.prompt(), undefined);
  assert.equal(pickedBy(await asked.read("1")), "text");
});

Deno.test("readAnswer() leaves the menu when an answer picks nothing", async () => {
  await using asked = await Asked.by(MENU);
  for (const text of ["3", "0", "maybe", "1 No", null]) {
    assert.equal(pickedBy(await asked.read(text)), "text", text ?? "null");
  }
  assert.equal(pickedBy(await asked.read("no")), 2);
});

Deno.test("readAnswer() picks from a menu by SMS for a day, and on USSD while the session lasts", async () => {
  await using sms = await Asked.by(MENU);
  sms.now = 24 * HOUR_MS - 1;
  assert.equal(pickedBy(await sms.read("1")), 1);
  await using late = await Asked.by(MENU);
  late.now = 24 * HOUR_MS;
  assert.equal(pickedBy(await late.read("1")), "text");
  await using ussd = await Asked.by(ON_USSD);
  ussd.now = 180_000;
  assert.equal(pickedBy(await ussd.read("1")), "text");
});

Deno.test("readAnswer() reads a message that came before as it was read then", async () => {
  await using asked = await Asked.by(MENU);
  const first = await asked.read("1");
  const again = await asked.read("1", {}, "again");
  assert.ok(first.kind === "choice" && again.kind === "choice");
  assert.deepEqual(again.chosen, first.chosen);
  assert.deepEqual(again.records, []);
  // One that was a text then, when nothing was asked yet.
  await asked.cache.putRecords([keepPrompt("+266", MENU, asked.options)]);
  assert.equal(pickedBy(await asked.read("2", { message_id: "early" }, "again")), "text");
});

/** Asks for the next page; answers its text, what it does with the session, and what it answers. */
async function readOn(asked: Asked, id: string, reading: Reading = "first") {
  const answer = await asked.read("98", { message_id: id }, reading);
  return answer.kind === "page"
    ? [answer.page.content, answer.page.session_event, answer.page.in_reply_to]
    : answer.kind;
}

Deno.test("readAnswer() brings the next page, and the same one to the same message", async () => {
  await using asked = await Asked.by(ON_USSD, PAGES);
  assert.deepEqual(await readOn(asked, "a"), ["two", "resume", "a"]);
  assert.deepEqual(await readOn(asked, "a", "again"), ["two", "resume", "a"]);
  // Also if RabbitMQ does not say that it comes again.
  assert.deepEqual(await readOn(asked, "a"), ["two", "resume", "a"]);
  assert.deepEqual(await readOn(asked, "b"), ["three", "resume", "b"]);
  assert.deepEqual(await readOn(asked, "c"), ["four", "close", "c"]);
  assert.deepEqual(await readOn(asked, "a", "again"), ["two", "resume", "a"]);
  // There is no more: it is the answer.
  assert.equal(await readOn(asked, "d"), "text");
});

Deno.test("readAnswer() takes a 98 that was an answer before there were pages for one", async () => {
  await using asked = await Asked.by(ON_USSD);
  assert.equal(await readOn(asked, "age"), "text");
  await asked.cache.putRecords([keepPages("+266", PAGES, asked.options)]);
  assert.equal(await readOn(asked, "age", "again"), "text");
  assert.deepEqual((await asked.pages())?.broughtBy, []);
});

Deno.test("readAnswer() takes a 98 for past that comes again when its pages are gone", async () => {
  await using asked = await Asked.by(ON_USSD, PAGES);
  assert.deepEqual(await readOn(asked, "a"), ["two", "resume", "a"]);
  await asked.cache.putRecords([keepPages("+266", { ...PAGES, id: "t2" }, asked.options)]);
  assert.equal(await readOn(asked, "a", "again"), "past");
});

Deno.test("readAnswer() picks from any page, and drops what was not read", async () => {
  await using asked = await Asked.by(ON_USSD, PAGES);
  assert.equal(pickedBy(await asked.read("98")), "page");
  assert.equal(pickedBy(await asked.read("what?")), "text");
  assert.equal(await asked.pages(), undefined);
  assert.equal(await readOn(asked, "again"), "text");
  assert.equal(pickedBy(await asked.read("1")), 1);
});

Deno.test("readAnswer() picks from a menu for as long as its user reads on", async () => {
  await using asked = await Asked.by(ON_USSD, PAGES);
  for (const id of ["1st", "2nd", "3rd"]) {
    asked.now += 100_000;
    assert.equal(pickedBy(await asked.read("98", { message_id: id })), "page", id);
  }
  asked.now += 100_000;
  assert.equal(pickedBy(await asked.read("2")), 2);
});

Deno.test("readAnswer() leaves to USSD what was asked there", async () => {
  await using asked = await Asked.by(ON_USSD, PAGES);
  const sms = { transport_type: "sms", session_event: null } as const;
  for (const text of ["98", "1", "hello"]) {
    assert.equal(pickedBy(await asked.read(text, sms)), "text");
  }
  assert.equal(pickedBy(await asked.read("98", { message_id: "ussd" })), "page");
  assert.equal(pickedBy(await asked.read("2")), 2);
});

Deno.test("readAnswer() picks the same when a message is replayed, whatever was asked since", async () => {
  await using asked = await Asked.by(MENU);
  const timestamp = formatTimestamp(new Date(Date.now() - 2 * HOUR_MS));
  const replayed = { message_id: "parked", timestamp };
  assert.equal(pickedBy(await asked.read("2", replayed)), 2);
  const other = { ...MENU, id: "t2", options: OPTIONS.toReversed() };
  for (const prompt of [other, undefined]) {
    if (prompt) await asked.cache.putRecords([keepPrompt("+266", prompt, asked.options)]);
    const answer = await asked.read("2", replayed);
    assert.ok(answer.kind === "choice");
    assert.equal(answer.chosen.choice.id, "r2");
  }
});

for (const session_event of ["new", "close"] as const) {
  Deno.test(`readAnswer() ends what was asked on USSD with its session: ${session_event}`, async () => {
    await using asked = await Asked.by(ON_USSD, PAGES);
    assert.equal(pickedBy(await asked.read(null, { session_event })), "text");
    assert.deepEqual([await asked.prompt(), await asked.pages()], [undefined, undefined]);
    // A code that is dialled is no answer to what was asked by SMS.
    await using bySms = await Asked.by(MENU);
    assert.equal(pickedBy(await bySms.read("1", { session_event })), "text");
    assert.equal(pickedBy(await bySms.read("1", { message_id: "next" })), 1);
  });
}

Deno.test("a choice that a person replays after a minute is the one that it was", async () => {
  await using asked = await Asked.by(MENU);
  const first = await asked.read("1", { message_id: "m", timestamp: formatTimestamp(new Date(0)) });
  assert.equal(first.kind, "choice");
  // The menu is gone, and RabbitMQ does not say that it has been here.
  const again = await asked.read("1", { message_id: "m", timestamp: formatTimestamp(new Date(0)) });
  assert.deepEqual({ ...again, records: [] }, { ...first, records: [] });
});
