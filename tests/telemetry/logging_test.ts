import assert from "node:assert/strict";
import { getLogger, withContext } from "@logtape/logtape";
import {
  type Logging,
  type LoggingOptions,
  type LogLevelName,
  startLogging,
} from "../../src/telemetry/mod.ts";

const log = getLogger(["turn-channels", "test"]);

/** What `work` logs. */
async function logged(
  { terminal = false, ...options }:
    & { terminal?: boolean }
    & Partial<LoggingOptions>,
  work: (logging: Logging) => void,
): Promise<string> {
  const written: Uint8Array[] = [];
  const output = {
    isTerminal: () => terminal,
    write(bytes: Uint8Array): Promise<number> {
      written.push(bytes);
      return Promise.resolve(bytes.length);
    },
  };
  {
    await using logging = startLogging({ level: "INFO", ...options, output });
    work(logging);
  }
  const bytes = written.flatMap((part) => [...part]);
  return new TextDecoder().decode(new Uint8Array(bytes));
}

Deno.test("startLogging() writes JSON lines where no person reads along", async () => {
  const line = await logged({}, () => log.info("Message {messageId} went", { messageId: "m1" }));
  const { level, message, template, logger, messageId } = JSON.parse(line);
  assert.deepEqual(
    { level, message, template, logger, messageId },
    {
      level: "INFO",
      message: "Message m1 went",
      template: "Message {messageId} went",
      logger: "turn-channels.test",
      messageId: "m1",
    },
  );
});

Deno.test("startLogging() tells a person at a terminal of a message's end without quotes", async () => {
  const done = "Done: {flow} {messageId} {result}";
  const messageId = "01a2b3c4d5e6";
  const text = await logged({ terminal: true }, () => {
    const common = { messageId, user: "+26612345678", connector: "turn_ussd" };
    log.info(done, {
      ...common,
      flow: "inbound",
      result: "delivered",
      durationMs: 34,
      attempts: 1,
    });
    log.info(done, { ...common, flow: "outbound", result: "accepted", durationMs: 5 });
    const more = { durationMs: 9, attempts: 3, reason: "Turn answered 404\u001b[2J" };
    log.info(done, { ...common, flow: "status", result: "parked", ...more });
    log.info(done, { flow: "inbound", result: "unreadable", messageId: null });
  });
  // deno-lint-ignore no-control-regex -- colours
  const lines = text.replaceAll(/\x1b\[\d*m/g, "").trimEnd().split("\n")
    .map((line) => line.replace(/^.*? test:? /, ""));
  assert.deepEqual(lines, [
    "delivered +2661...678 → Turn in 34 ms (turn_ussd, 01a2b3c4…)",
    "accepted Turn → +2661...678 in 5 ms (turn_ussd, 01a2b3c4…)",
    "parked status of +2661...678 → Turn in 9 ms at attempt 3 (turn_ussd, 01a2b3c4…): " +
    "Turn answered 404\\u001b[2J",
    "unreadable ? → Turn (no id)",
  ]);
});

Deno.test("startLogging() names the channel in each line that is written in its work", async () => {
  const text = await logged({}, () => {
    withContext({ connector: "ussd" }, () => log.info("in it"));
    log.info("beside it");
  });
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line).connector);
  assert.deepEqual(lines, ["ussd", undefined]);
});

Deno.test("startLogging() folds a scan of unknown paths, and renders what it folds", async () => {
  const text = await logged({}, () => {
    for (let n = 0; n < 50; n++) {
      log.info("No such path: {path}", { path: `/${n}.php`, key: "stray" });
    }
  });
  const messages = text.trimEnd().split("\n").map((line) => JSON.parse(line).message);
  assert.equal(messages[0], "No such path: /0.php");
  assert.match(messages[1], /^… 49 more like it in the last 1 s: No such path: \/0\.php$/);
  assert.equal(messages.length, 2);
});

Deno.test("startLogging() writes plain text on a terminal", async () => {
  const line = await logged({ terminal: true }, () => log.info("Went {what}", { what: "well" }));
  assert.match(line, /Went .*well/);
  assert.throws(() => JSON.parse(line));
});

for (
  const [level, lines] of Object.entries({
    DEBUG: 5,
    INFO: 4,
    WARNING: 3,
    ERROR: 2,
    CRITICAL: 1,
  })
) {
  Deno.test(`startLogging() at ${level} writes ${lines} of the five levels`, async () => {
    // Its name is one of the object's keys.
    const text = await logged({ level: level as LogLevelName }, () => {
      for (const method of ["debug", "info", "warning", "error", "fatal"] as const) {
        log[method]("x");
      }
    });
    assert.equal(text.split("\n").length - 1, lines);
  });
}

Deno.test("startLogging() keeps a value with line breaks on one line", async () => {
  for (const [terminal, format] of [[true, "auto"], [false, "auto"], [false, "text"]] as const) {
    const text = await logged(
      { terminal, format },
      () => log.info("Got {what}", { what: "a\nFAKE line\u001b[31m" }),
    );
    assert.equal(text.split("\n").length - 1, 1, text);
    assert.ok(!text.includes("\u001b[31mFAKE"), text);
  }
});

Deno.test("startLogging() writes text or JSON wherever it is told to", async () => {
  for (const terminal of [true, false]) {
    const json = await logged(
      { terminal, format: "json" },
      () => log.info("Went {what}", { what: "A" }),
    );
    assert.equal(JSON.parse(json).what, "A");
    const text = await logged(
      { terminal, format: "text" },
      () => log.info("Went {what}", { what: "A" }),
    );
    assert.match(text, /Went .*A/);
    assert.equal(text.includes("\u001b"), terminal, "colours are for people");
  }
});

Deno.test("startLogging() changes its level while it runs, and loses nothing by it", async () => {
  const text = await logged({ level: "ERROR" }, (logging) => {
    log.info("one");
    log.error("two");
    logging.change("INFO", { addresses: false, content: false });
    log.info("three");
    logging.change("CRITICAL", { addresses: false, content: false });
    log.error("four");
  });
  const messages = text.trimEnd().split("\n").map((line) => JSON.parse(line).message);
  assert.deepEqual(messages, ["two", "three"]);
});

/** What of a user's message is in a log, by what may be. */
const PRIVACY = [
  [undefined, ["+2661...678"]],
  [{ addresses: true, content: false }, ["+26612345678"]],
  [{ addresses: false, content: true }, ["+2661...678", "my secret"]],
] as const;

for (const [privacy, told] of PRIVACY) {
  Deno.test(`startLogging() tells ${told.join(", ")} of a user, and no more`, async () => {
    for (const format of ["text", "json"] as const) {
      const text = await logged({ format, ...(privacy && { privacy }) }, () => {
        const values = { user: "+26612345678", content: "my secret", messageId: "m1" };
        log.info("From {user}: {content}, {messageId}", values);
      });
      assert.ok(text.includes("m1"));
      for (const part of ["+2661...678", "+26612345678", "my secret"]) {
        assert.equal(text.includes(part), told.some((known) => known === part), `${part}: ${text}`);
      }
    }
  });
}

Deno.test("startLogging() leaves out a content that the text does not name, and nothing that equals it", async () => {
  for (const format of ["text", "json"] as const) {
    const text = await logged({ format }, () => {
      log.info("Done: {flow} {messageId}", {
        flow: "inbound",
        messageId: "m1",
        content: "inbound",
      });
      log.info("Done: {flow} {messageId}", { flow: "inbound", messageId: "m2", content: "hello" });
    });
    assert.ok(!/content|hello/.test(text), text);
    assert.equal(text.match(/Done: inbound/g)?.length, 2, text);
  }
});

Deno.test("startLogging() tells at its end what was not written yet of a burst", async () => {
  const text = await logged({}, () => {
    for (let n = 0; n < 5; n++) log.error("Parked {id}", { id: `m${n}` });
    log.fatal("A bug {id}", { id: 1 });
    log.fatal("A bug {id}", { id: 2 });
  });
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ level, template, id, count, like }) => [level, template, id ?? count, like]),
    [
      ["ERROR", "Parked {id}", "m0", undefined],
      ["FATAL", "A bug {id}", 1, undefined],
      ["FATAL", "A bug {id}", 2, undefined],
      ["ERROR", "… {count} more like it in the last {seconds} s: {like}", 4, "Parked m0"],
    ],
  );
});
