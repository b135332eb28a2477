import assert from "node:assert/strict";
import fc from "fast-check";
import { readCall } from "../../src/simulator/turn_schemas.ts";
import type { InboundText, Status } from "../../src/turn/mod.ts";
import { formatMessage, formatStatus } from "../../src/turn/payloads.ts";

const MESSAGE: InboundText = {
  id: "message-uuid-5678",
  from: "+26612345678",
  text: "Hello world!",
  timestamp: 1628345678,
};

const STATUS: Status = {
  messageId: "msg-uuid-1234",
  recipient: "+26612345678",
  status: "sent",
  timestamp: Date.UTC(2015, 5, 15, 13, 0, 0) / 1000,
};

Deno.test("formatMessage() writes the text's example, with the address for a name", () => {
  assert.deepEqual(JSON.parse(formatMessage(MESSAGE)), {
    contact: { id: "+26612345678", profile: { name: "+26612345678" } },
    message: {
      type: "text",
      text: { body: "Hello world!" },
      from: "+26612345678",
      id: "message-uuid-5678",
      timestamp: "1628345678",
    },
  });
});

Deno.test("formatStatus() writes the text's example", () => {
  assert.deepEqual(JSON.parse(formatStatus("flat", STATUS)), {
    user_message_id: "msg-uuid-1234",
    timestamp: "2015-06-15 13:00:00",
    status: "sent",
  });
});

Deno.test("formatStatus() writes the nested form as vumi2 does", () => {
  assert.deepEqual(JSON.parse(formatStatus("nested", { ...STATUS, status: "failed" })), {
    status: {
      id: "msg-uuid-1234",
      timestamp: "1434373200",
      status: "failed",
      recipient_id: "+26612345678",
    },
  });
});

Deno.test("formatMessage() and formatStatus() write what Turn takes, whatever they are given", () => {
  const words = fc.string({ minLength: 1, unit: "binary" });
  const timestamp = fc.nat({ max: 253402300799 });
  const messages = fc.record({ id: words, from: words, text: words, timestamp });
  const statuses = fc.record({
    messageId: words,
    recipient: words,
    status: fc.constantFrom("sent", "delivered", "failed"),
    timestamp,
  });
  fc.assert(fc.property(messages, statuses, (message, status) => {
    assert.ok(readCall("/messages", JSON.parse(formatMessage(message)))?.success);
    for (const format of ["flat", "nested"] as const) {
      const body = JSON.parse(formatStatus(format, status));
      assert.ok(readCall("/statuses", body)?.success);
    }
  }));
});
