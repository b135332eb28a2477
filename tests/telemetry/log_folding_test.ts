import assert from "node:assert/strict";
import type { LogLevel, LogRecord } from "@logtape/logtape";
import { foldBursts } from "../../src/telemetry/log_folding.ts";

/** A folding whose time goes on by hand, and what it wrote. */
class Clocked {
  readonly written: LogRecord[] = [];
  readonly folding: ReturnType<typeof foldBursts>;
  #now = 0;
  readonly #timers: { work: () => void; at: number }[] = [];

  constructor() {
    this.folding = foldBursts(
      (record) => this.written.push(record),
      () => this.#now,
      (ms, work) => {
        const timer = { work, at: this.#now + ms };
        this.#timers.push(timer);
        return () => this.#timers.splice(this.#timers.indexOf(timer), 1);
      },
    );
  }

  /** Takes `times` records. */
  take(level: LogLevel, template: string, times = 1, properties = {}, category = "bridge"): void {
    for (let n = 0; n < times; n++) {
      this.folding.take({
        category: ["turn-channels", category],
        level,
        rawMessage: template,
        message: [template],
        timestamp: this.#now,
        properties,
      });
    }
  }

  pass(seconds: number): void {
    const until = this.#now + seconds * 1000;
    for (let next; (next = this.#timers.findIndex(({ at }) => at <= until)) >= 0;) {
      const [{ work, at } = assert.fail()] = this.#timers.splice(next, 1);
      this.#now = at;
      work();
    }
    this.#now = until;
  }

  /** How many timers run. */
  get timers(): number {
    return this.#timers.length;
  }

  /** What was written since it was last asked for, as text. */
  text(): string[] {
    return this.written.splice(0).map(({ level, message }) => `${level}: ${message.join("")}`);
  }
}

Deno.test("foldBursts() writes the first of equal errors at once, and then their count", () => {
  const log = new Clocked();
  log.take("error", "Parked {id}", 1000);
  assert.deepEqual(log.text(), ["error: Parked {id}"]);
  log.pass(10);
  assert.deepEqual(log.text(), ["error: … 999 more like it in the last 10 s: Parked {id}"]);
});

Deno.test("foldBursts() tells of a burst that goes on once each window, and forgets one that is over", () => {
  const log = new Clocked();
  log.take("warning", "Again", 2);
  log.pass(10);
  log.take("warning", "Again", 3);
  log.pass(10);
  assert.deepEqual(log.text(), [
    "warning: Again",
    "warning: … 1 more like it in the last 10 s: Again",
    "warning: … 3 more like it in the last 10 s: Again",
  ]);
  log.pass(10);
  assert.equal(log.timers, 0);
  log.take("warning", "Again");
  assert.deepEqual(log.text(), ["warning: Again"]);
});

Deno.test("foldBursts() says nothing more of what came once", () => {
  const log = new Clocked();
  log.take("error", "Once");
  log.pass(60);
  assert.deepEqual([log.text(), log.timers], [["error: Once"], 0]);
});

Deno.test("foldBursts() tells apart category, level, template and the property `key`", () => {
  const log = new Clocked();
  log.take("error", "A");
  log.take("warning", "A");
  log.take("error", "B");
  log.take("error", "A", 1, {}, "vumi");
  log.take("error", "A", 1, { key: "amqp.port" });
  log.take("error", "A", 1, { id: "another" });
  assert.equal(log.text().length, 5);
});

Deno.test("foldBursts() never folds what is fatal, nor what is below a warning", () => {
  const log = new Clocked();
  for (const level of ["fatal", "info", "debug"] as const) log.take(level, "A", 3);
  assert.equal(log.text().length, 9);
  assert.equal(log.timers, 0);
});

Deno.test("end() of foldBursts() tells what was counted, with the time that it took, and stops timers", () => {
  const log = new Clocked();
  log.take("error", "A", 5, { key: "k" });
  log.take("error", "B");
  log.pass(3);
  log.written.splice(0);
  log.folding.end();
  assert.deepEqual(log.written[0]?.properties, { count: 4, seconds: 3, like: "A", key: "k" });
  assert.deepEqual(log.text(), ["error: … 4 more like it in the last 3 s: A"]);
  assert.equal(log.timers, 0);
});
