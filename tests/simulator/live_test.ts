import assert from "node:assert/strict";
import { goLive } from "../../src/simulator/mod.ts";
import { until } from "../support/until.ts";
import { type Play, startDemoPlay } from "./play.ts";

const never = new AbortController().signal;

/** What a keyboard is: lines that come when they come. */
class Keyboard {
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;

  constructor() {
    this.input = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
    });
  }

  type(text: string): void {
    this.#controller?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller?.close();
  }
}

function textsAtTurn({ turn }: Play): unknown[] {
  return turn.calls.filter(({ path }) => path === "/messages").map(({ body }) =>
    JSON.stringify(body)
  )
    .map((body) => /"text":\{"body":"(.*?)"\}/.exec(body)?.[1]);
}

async function shows(play: Play, text: string): Promise<void> {
  await until(text, () => play.shown().includes(text));
}

Deno.test("goLive() sends each typed line as the user's, and Turn's answer comes back", async () => {
  await using play = await startDemoPlay();
  const keyboard = new Keyboard();
  const stop = new AbortController();
  const live = goLive({ ...play, input: keyboard.input, endsWithInput: true, stop: stop.signal });
  keyboard.type("Hi\r\n\n  \nWhat");
  keyboard.type(" is new?\n");
  await shows(play, '"content": "You wrote: What is new?"');
  await until("the statuses of both answers", () => play.turn.calls.length === 6);
  assert.deepEqual(textsAtTurn(play), ["Hi", "What is new?"]);
  assert.match(play.shown(), /"content": "You wrote: Hi"/);
  stop.abort();
  await live;
});

for (const [end, endsWithInput] of [["the input ends", true], ["it is stopped", false]] as const) {
  Deno.test(`goLive() ends when ${end}`, async () => {
    await using play = await startDemoPlay();
    const keyboard = new Keyboard();
    const stop = new AbortController();
    const live = goLive({ ...play, input: keyboard.input, endsWithInput, stop: stop.signal });
    if (endsWithInput) keyboard.end();
    else stop.abort();
    await live;
  });
}

Deno.test("goLive() goes on after an input that does not end it", async () => {
  await using play = await startDemoPlay();
  const keyboard = new Keyboard();
  const stop = new AbortController();
  const live = goLive({ ...play, input: keyboard.input, endsWithInput: false, stop: stop.signal });
  keyboard.type("no newline at the end");
  keyboard.end();
  await shows(play, '"content": "You wrote: no newline at the end"');
  stop.abort();
  await live;
});

Deno.test("goLive() does not hide a bug", async () => {
  await using play = await startDemoPlay();
  const bug = new TypeError("a bug");
  const input = new ReadableStream({ start: (controller) => controller.error(bug) });
  await assert.rejects(goLive({ ...play, input, endsWithInput: false, stop: never }), bug);
});

Deno.test("goLive() prints a curl that gets 200, and shows what it brings about", async () => {
  await using play = await startDemoPlay();
  const stop = new AbortController();
  const { input } = new Keyboard();
  const live = goLive({ ...play, input, endsWithInput: true, stop: stop.signal });
  const [command] = /^curl .*$/m.exec(play.shown()) ?? [];
  assert.ok(command !== undefined, play.shown());
  assert.equal(await status(command), "200");
  await shows(play, '"content": "Hello world!"');
  await until("two statuses", () => play.turn.calls.length === 2);
  stop.abort();
  await live;
});

/** The HTTP status that the command gets; where there is no curl, its words go into a request. */
async function status(command: string): Promise<string> {
  const curl = await sh("command -v curl");
  if (curl !== "") return await sh(`${command} -s -o /dev/null -w '%{http_code}'`);
  const words = await sh(`curl() { printf '%s\\n' "$@"; }; ${command}`);
  const [, type = "", , signature = "", , body = "", url = ""] = words.split("\n");
  const headers = [type, signature].map((header): [string, string] => {
    const [name = "", value = ""] = header.split(": ");
    return [name, value];
  });
  const response = await fetch(url, { method: "POST", headers, body });
  await response.body?.cancel();
  return String(response.status);
}

async function sh(command: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  return new TextDecoder().decode(stdout);
}
