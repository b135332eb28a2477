import assert from "node:assert/strict";
import { smsLines } from "../../src/cli/sms_words.ts";
import { valid } from "../config/support.ts";

async function lines(file: object): Promise<readonly string[]> {
  return smsLines(await valid({ file: JSON.stringify(file) }));
}

Deno.test("check tells how SMS are sent", async () => {
  assert.deepEqual(await lines({}), [
    "A throttled SMS is tried again for 15 min; as many go in a second as the operator takes",
    "One of which nothing is heard for 1 min is counted, and named in the log",
  ]);
  const sms = { resend_for: 90, max_per_second: 50, unacked_after: 5, fail_unacked: true };
  assert.deepEqual(await lines({ sms, failed_status: "failed" }), [
    "A throttled SMS is tried again for 90 s; at most 50 segments go in a second",
    "One of which nothing is heard for 5 s is told of as failed",
  ]);
  const [first = ""] = await lines({ sms: { resend_for: 0 } });
  assert.match(first, /^An SMS that is throttled has failed;/);
});

Deno.test("check tells nothing of SMS for a channel that sends none", async () => {
  assert.deepEqual(await lines({ transport_type: "ussd" }), []);
});
