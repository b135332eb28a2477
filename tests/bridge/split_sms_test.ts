import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Said } from "../../src/bridge/delivery_records.ts";
import { firstSmsId, readPartId, smsId } from "../../src/bridge/part_ids.ts";
import {
  hearOfSms,
  keepSplitSms,
  readSplitSms,
  type SplitSms,
} from "../../src/bridge/split_sms.ts";
import { createMessage, newId } from "../../src/vumi/mod.ts";

const TEXTS = ["a (1/3)", "b (2/3)", "c (3/3)"];

function split(texts = TEXTS): SplitSms {
  const message = createMessage({
    message_id: firstSmsId(newId()),
    to_addr: "+266",
    from_addr: "8110",
    transport_name: "sms",
    transport_type: "sms",
    content: texts[0] ?? "",
  });
  return { message, texts, sent: 1, said: [] };
}

/** The texts that are sent after events `[nth, said]`, and what is said of all. */
function after(events: readonly (readonly [number, Said])[], texts = TEXTS) {
  let state = split(texts);
  const sent: (string | null)[] = [];
  const said: (Said | undefined)[] = [];
  for (const [nth, what] of events) {
    const step = hearOfSms(state, nth, what);
    state = step.split;
    if (step.next !== undefined) {
      assert.equal(step.next.message_id, smsId(state.message.message_id, state.sent));
      sent.push(step.next.content);
    }
    said.push(step.said);
  }
  return { sent, said };
}

Deno.test("hearOfSms() sends each SMS when the one before it is acked, and says of all when all are", () => {
  const { sent, said } = after([[1, "ack"], [2, "ack"], [1, "delivered"], [3, "ack"]]);
  assert.deepEqual(sent, TEXTS.slice(1));
  assert.deepEqual(said, [undefined, undefined, undefined, "ack"]);
});

Deno.test("hearOfSms() says delivered when each was, in any order", () => {
  const { sent, said } = after([
    ...[[1, "delivered"], [2, "ack"], [3, "ack"], [3, "delivered"], [2, "delivered"]] as const,
  ]);
  assert.deepEqual(sent, TEXTS.slice(1));
  assert.deepEqual(said, [undefined, undefined, "ack", "ack", "delivered"]);
});

for (const failure of ["nack", "failed"] as const) {
  Deno.test(`hearOfSms() says that all failed when one did, by ${failure}`, () => {
    const { sent, said } = after([[1, "ack"], [2, "ack"], [1, failure], [3, "ack"]]);
    assert.deepEqual(sent, TEXTS.slice(1));
    assert.deepEqual(said, [undefined, undefined, failure, failure]);
  });

  Deno.test(`hearOfSms() sends no more when any has failed, by ${failure}`, () => {
    assert.deepEqual(after([[1, failure]]).sent, []);
    assert.deepEqual(after([[1, failure], [1, "ack"]]).sent, []);
    // After two seconds without a word of it the second one has gone.
    const { sent, said } = after([[1, "pending"], [1, failure], [2, "ack"], [2, "delivered"]]);
    assert.deepEqual(sent, TEXTS.slice(1, 2));
    assert.deepEqual(said, [undefined, failure, failure, failure]);
  });

  Deno.test(`hearOfSms() keeps nothing of the rest when one has failed, by ${failure}`, () => {
    const second = hearOfSms(split(), 1, "pending").split;
    const { value } = keepSplitSms(hearOfSms(second, 1, failure).split);
    const kept = readSplitSms(value);
    assert.deepEqual(kept?.texts, ["", "", ""]);
    // It was not true: then it is not known what the rest says.
    assert.ok(kept);
    assert.equal(hearOfSms(kept, 1, "delivered").split.sent, 2);
    assert.equal(hearOfSms(hearOfSms(kept, 1, "delivered").split, 2, "ack").next, undefined);
  });

  Deno.test(`hearOfSms() says delivered of what was taken for failed, by ${failure}, when all are there`, () => {
    const { said } = after([
      ...[[1, "ack"], [2, "ack"], [1, failure], [2, failure], [3, failure]] as const,
      ...[[1, "ack"], [1, "delivered"], [2, "delivered"], [3, "delivered"], [3, failure]] as const,
    ]);
    assert.deepEqual(said.slice(2), [...Array(6).fill(failure), "delivered", "delivered"]);
  });
}

Deno.test("hearOfSms() sends each once, in order, whatever is said how often", () => {
  const said = fc.constantFrom<Said>("ack", "nack", "pending", "failed", "delivered");
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), said)), (events) => {
    const { sent } = after(events);
    assert.deepEqual(sent, TEXTS.slice(1, 1 + sent.length));
  }));
});

Deno.test("hearOfSms() sends the next one for the last one that was sent, and for no other", () => {
  assert.deepEqual(after([[1, "ack"], [1, "ack"], [1, "delivered"]]).sent, TEXTS.slice(1, 2));
  assert.deepEqual(after([[2, "ack"], [3, "delivered"]]).sent, []);
});

Deno.test("the SMS of a text are told apart by their ids", () => {
  const { message } = split();
  const next = hearOfSms(split(), 1, "ack").next;
  assert.equal(readPartId(next?.message_id ?? "")?.nth, 2);
  assert.equal(readPartId(message.message_id)?.of, message.message_id);
});
