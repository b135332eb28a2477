import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
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
  const { level, message, logger, messageId } = JSON.parse(line);
  assert.deepEqual(
    { level, message, logger, messageId },
    {
      level: "INFO",
      message: "Message {messageId} went",
      logger: "turn-channels.test",
      messageId: "m1",
    },
  );
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
    assert.equal(text.match(/inbound/g)?.length, 2, text);
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
    lines.map(({ level, message, id, count, like }) => [level, message, id ?? count, like]),
    [
      ["ERROR", "Parked {id}", "m0", undefined],
      ["FATAL", "A bug {id}", 1, undefined],
      ["FATAL", "A bug {id}", 2, undefined],
      ["ERROR", "… {count} more like it in the last {seconds} s: {like}", 4, "Parked {id}"],
    ],
  );
});
