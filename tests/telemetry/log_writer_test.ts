import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { jsonLine } from "../../src/telemetry/json_line.ts";
import { LogWriter } from "../../src/telemetry/log_writer.ts";
import { until } from "../support/until.ts";

/** What can be written to, or fails, or hangs. */
class Output {
  state: "open" | "failing" | "hanging" = "open";
  /** Most bytes that it takes at once. */
  most = Infinity;
  #written: Uint8Array[] = [];
  #hanging: (() => void)[] = [];

  async write(bytes: Uint8Array): Promise<number> {
    if (this.state === "hanging") await new Promise<void>((go) => this.#hanging.push(go));
    if (this.state === "failing") throw new Error("No space left on device");
    const taken = bytes.slice(0, this.most);
    this.#written.push(taken);
    return taken.length;
  }

  isTerminal(): boolean {
    return false;
  }

  open(): void {
    this.state = "open";
    for (const go of this.#hanging.splice(0)) go();
  }

  async lines(): Promise<Record<string, unknown>[]> {
    const text = await new Blob(this.#written.map((part) => part.slice())).text();
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  async numbers(): Promise<unknown[]> {
    return (await this.lines()).map(({ n }) => n);
  }
}

function record(n: number, text = "", level: LogRecord["level"] = "info"): LogRecord {
  const rawMessage = "Line {n}";
  const properties = { n, text };
  return { category: ["test"], level, timestamp: n, rawMessage, message: [], properties };
}

function upTo(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

Deno.test("LogWriter loses no line in a burst, nor cuts one where the output takes a part", async () => {
  const output = new Output();
  output.most = 1_000;
  await using writer = new LogWriter(output, jsonLine);
  for (const n of upTo(20_000)) writer.take(record(n, "ä"));
  await until("all lines", async () => (await output.numbers()).length === 20_000);
  assert.deepEqual(await output.numbers(), upTo(20_000));
  assert.deepEqual([writer.lost, writer.stalledMs], [0, 0]);
});

for (const state of ["failing", "hanging"] as const) {
  Deno.test(`LogWriter keeps what an output that is ${state} does not take, and tells what it loses`, async () => {
    const output = new Output();
    output.state = state;
    await using writer = new LogWriter(output, jsonLine);
    const text = "x".repeat(10_000);
    for (const n of upTo(1_000)) writer.take(record(n, text));
    const { lost } = writer;
    assert.ok(lost > 0 && lost < 500, `${lost} lost`);
    await until("a write that is tried", () => writer.stalledMs > 0);
    assert.deepEqual(await output.numbers(), []);
    output.open();
    await until("all to be written", () => writer.stalledMs === 0);
    writer.take(record(1_000, "", "fatal"));
    await until("the last line", async () => (await output.numbers()).includes(1_000));
    const lines = await output.lines();
    const kept = 1_000 - lost;
    assert.deepEqual(lines.map(({ n }) => n), [...upTo(kept), undefined, 1_000]);
    const { level, template, count, from, to } = lines[kept] ?? {};
    assert.deepEqual({ level, template, count, from, to }, {
      level: "WARN",
      template: "{count} lines of the log were lost between {from} and {to}",
      count: lost,
      from: new Date(kept).toISOString(),
      to: new Date(999).toISOString(),
    });
    assert.equal(writer.lost, lost);
  });

  Deno.test(`LogWriter ends although its output is ${state}`, async () => {
    const output = new Output();
    output.state = state;
    const writer = new LogWriter(output, jsonLine);
    writer.take(record(1, "", "fatal"));
    writer.take(record(2));
    await writer[Symbol.asyncDispose]();
    assert.deepEqual(await output.numbers(), []);
  });
}
