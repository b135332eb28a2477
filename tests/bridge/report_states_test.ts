import assert from "node:assert/strict";
import {
  type Report,
  reportOf,
  type ReportState,
  reportStatesOf,
} from "../../src/bridge/report_states.ts";
import { decodeEvent } from "../../src/vumi/mod.ts";

/** What a delivery report says that the transport calls `pending`. */
function reported(
  transport_metadata: unknown,
  configured: Readonly<Record<string, Readonly<Record<string, ReportState>>>> = {},
  more: Readonly<Record<string, unknown>> = {},
): Report {
  const event = {
    user_message_id: "m",
    event_type: "delivery_report",
    delivery_status: "pending",
    timestamp: "2015-06-15 13:00:00",
    transport_metadata,
    ...more,
  };
  const body = new TextEncoder().encode(JSON.stringify(event));
  return reportOf(decodeEvent(body), reportStatesOf(configured));
}

const said = (...args: Parameters<typeof reported>) => reported(...args).said;

const SMPP: Readonly<Record<string, Report["said"]>> = {
  ...{ DELIVRD: "delivered", DELIVERED: "delivered", " delivrd ": "delivered" },
  ...{ UNDELIV: "failed", EXPIRED: "failed", DELETED: "failed", REJECTD: "failed" },
  ...{ UNDELIVERABLE: "failed", REJECTED: "failed", Undeliv: "failed" },
  ...{ ACCEPTD: "pending", ACCEPTED: "pending", ENROUTE: "pending" },
  ...{ UNKNOWN: undefined, "\tunknown": undefined },
};

for (const [word, expected] of Object.entries(SMPP)) {
  Deno.test(`reportOf() takes SMPP's ${JSON.stringify(word)} before what the transport says`, () => {
    for (const delivery_status of ["pending", "delivered", "failed"]) {
      const report = reported({ smpp_delivery_status: word }, {}, { delivery_status });
      assert.deepEqual(report, { said: expected, word: word.trim().toUpperCase() });
    }
  });
}

Deno.test("reportOf() takes what the transport says where no word is known", () => {
  const unknown = [null, {}, { smpp_delivery_status: null }, { smpp_delivery_status: ["DELIVRD"] }];
  for (const metadata of [...unknown, { other: "DELIVRD" }, { smpp_delivery_status: "" }]) {
    for (const delivery_status of ["pending", "delivered", "failed"]) {
      const report = reported(metadata, {}, { delivery_status });
      assert.deepEqual(
        report,
        { said: delivery_status, word: undefined },
        JSON.stringify(metadata),
      );
    }
  }
});

Deno.test("reportOf() answers a word that is not known, if it is one", () => {
  assert.equal(reported({ smpp_delivery_status: "buffered" }).word, "BUFFERED");
  for (const smpp_delivery_status of ["Hello, Anna", "x".repeat(21)]) {
    assert.equal(reported({ smpp_delivery_status }).word, undefined);
  }
});

Deno.test("reportOf() looks at delivery reports only", () => {
  const ack = { event_type: "ack", sent_message_id: "theirs" };
  assert.equal(said({ smpp_delivery_status: "UNDELIV" }, {}, ack), "ack");
});

Deno.test("reportOf() knows the words that are configured, and those before SMPP's own", () => {
  const configured = {
    smpp_delivery_status: { Accepted: "delivered", buffered: "sent" },
    twilio_status: { "not sent": "failed", 7: "nothing" },
  } as const;
  assert.equal(said({ smpp_delivery_status: "ACCEPTED" }, configured), "delivered");
  assert.equal(said({ smpp_delivery_status: "UNDELIV" }, configured), "failed");
  assert.equal(said({ twilio_status: " Not Sent" }, configured), "failed");
  assert.equal(said({ twilio_status: 7 }, configured), undefined);
  // The first field with a word that is known.
  const both = { smpp_delivery_status: "DELIVRD", twilio_status: "not sent" };
  assert.equal(said(both, configured), "failed");
  assert.equal(said({ ...both, twilio_status: "?" }, configured), "delivered");
});
