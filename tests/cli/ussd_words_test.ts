import assert from "node:assert/strict";
import { addressLines, ussdFindings, ussdLines } from "../../src/cli/ussd_words.ts";
import { valid } from "../config/support.ts";

async function channel(file: object) {
  return await valid({ file: JSON.stringify({ transport_type: "ussd", ...file }) });
}

const FALLBACK = { transport_name: "smpp", from_addr: "8110" };

/** Keys, and which line says what of them. */
const LINES: readonly (readonly [object, number, string])[] = [
  [
    { sms_fallback: FALLBACK },
    0,
    "Two messages within 2 s become one screen; " +
    "what comes later goes by SMS from 8110, as a notice",
  ],
  [
    { ussd: { merge_window: 1.5 }, sms_fallback: { ...FALLBACK, mode: "content" } },
    0,
    "Two messages within 1.5 s become one screen; " +
    "what comes later goes by SMS from 8110, as it is",
  ],
  [
    { ussd: { late: "fail" }, sms_fallback: FALLBACK, failed_status: "failed" },
    0,
    "Two messages within 2 s become one screen; " +
    "what comes later is refused with 422 or, if it was taken already, told of as failed",
  ],
  [
    { ussd: { merge_window: 0 } },
    0,
    "Each message is a screen of its own; " +
    "what comes later is refused with 422 or, if it was taken already, told of as sent",
  ],
  [{}, 1, "After 8 s without an answer nothing is shown until one comes"],
  [
    { ussd: { hold_text: "Wait", sorry_text: "Sorry", answer_deadlines: { Vodacom: 6 } } },
    1,
    'After 8 s, Vodacom 6 s without an answer "Wait" is shown, up to 2 times in a row, then "Sorry"',
  ],
  [
    {
      ussd: {
        ...{ hold_text: "Wait", sorry_text: "Sorry", hold_max: 1, answer_deadline: 5 },
        merge_window: 0,
      },
    },
    1,
    'After 5 s without an answer "Wait" is shown, once, then "Sorry"',
  ],
  [{}, 2, "Turn is told what the transport says when somebody dials"],
  [
    { ussd: { start_text: "hi", start_texts: { "*1*3#": "register" } } },
    2,
    'Turn is told "register" for *1*3#, "hi" when somebody dials',
  ],
  [
    { ussd: { resume_window: 300 } },
    3,
    'Who dials again within 300 s chooses between "Continue" and "Start again"',
  ],
];

for (const [written, index, line] of LINES) {
  Deno.test(`check tells of ${JSON.stringify(written)}: ${line.slice(0, 40)}`, async () => {
    assert.equal(ussdLines(await channel(written))[index], line);
  });
}

Deno.test("check tells how users' addresses are read and told, of any channel", async () => {
  assert.deepEqual(addressLines(await channel({})), []);
  const all = { transport_type: "sms", contact_ids: "e164", default_country: "za" };
  assert.deepEqual(addressLines(await channel(all)), [
    "read national numbers as those of ZA",
    "tell Turn users' addresses as +27821234567",
  ]);
});

Deno.test("check tells nothing of USSD for a channel of another kind", async () => {
  const config = await channel({ transport_type: "sms", ussd: { resume_window: 5 } });
  assert.deepEqual([ussdLines(config), ussdFindings(config)], [[], []]);
});

Deno.test("check warns of a channel of USSD without anything to start on", async () => {
  const [finding, ...others] = ussdFindings(await channel({}));
  assert.deepEqual([finding?.ok, finding?.channel, finding?.subject], [undefined, "turn", "USSD"]);
  assert.deepEqual(others, []);
  assert.match(finding?.fix ?? "", /ussd\.start_text .*ussd\.start_texts/);
  for (const ussd of [{ start_text: "hi" }, { start_texts: { "*1#": "hi" } }]) {
    assert.deepEqual(ussdFindings(await channel({ ussd })), []);
  }
});
