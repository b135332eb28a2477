import assert from "node:assert/strict";
import { ussdOptionsOf } from "../../src/service/ussd_options.ts";
import { RELOADED } from "../../src/service/reload.ts";
import { configKeys } from "../../src/config/mod.ts";
import { valid } from "../config/support.ts";

async function optionsOf(file: object, address = "8110") {
  const env = { DEFAULT_FROM_ADDR: address };
  return ussdOptionsOf(await valid({ file: JSON.stringify(file), env }));
}

Deno.test("ussdOptionsOf() has the defaults, in milliseconds", async () => {
  const { answerDeadlineMs, ...ussd } = await optionsOf({});
  assert.deepEqual(ussd, {
    sessionMs: 180_000,
    mergeWindowMs: 2000,
    settleMs: 200,
    holdText: undefined,
    holdMax: 2,
    sorryText: "Sorry, this takes too long. Please dial again later.",
    late: "fail",
    smsFallback: undefined,
    startText: undefined,
    startTexts: new Map(),
    resumeWindowMs: 0,
    continueText: "Continue",
    restartText: "Start again",
  });
  assert.equal(answerDeadlineMs("Vodacom"), 8000);
});

Deno.test("ussdOptionsOf() has what is configured, each in its place", async () => {
  const { answerDeadlineMs: _, ...ussd } = await optionsOf({
    ussd: {
      session_timeout: 90,
      merge_window: 0,
      settle: 0.5,
      hold_text: "Wait",
      hold_max: 3,
      sorry_text: "Sorry",
      start_text: "hi",
      start_texts: { "*1#": "register" },
      resume_window: 300,
      continue_text: "On",
      restart_text: "Anew",
    },
    sms_fallback: {
      transport_name: "smpp",
      from_addr: "27000",
      transport_type: "http_api",
      address: "digits",
      mode: "content",
    },
  }, "*120*8864#");
  assert.deepEqual(ussd, {
    sessionMs: 90_000,
    mergeWindowMs: 0,
    settleMs: 500,
    holdText: "Wait",
    holdMax: 3,
    sorryText: "Sorry",
    late: "sms",
    smsFallback: {
      transportName: "smpp",
      transportType: "http_api",
      fromAddr: "27000",
      address: "digits",
      mode: "content",
      noticeText: "You have a message from us. Dial *120*8864# to read it.",
    },
    startText: "hi",
    startTexts: new Map([["*1#", "register"]]),
    resumeWindowMs: 300_000,
    continueText: "On",
    restartText: "Anew",
  });
});

/** A provider as a transport names it, and the deadline with {Vodacom: 6, "MTN SA": 7.5}. */
const PROVIDERS: readonly (readonly [string | null, number])[] = [
  ["Vodacom", 6000],
  ["vodacom", 6000],
  [" VODACOM ", 6000],
  ["mtn sa", 7500],
  ["MTN", 9000],
  ["", 9000],
  [null, 9000],
];

for (const [provider, expected] of PROVIDERS) {
  Deno.test(`answerDeadlineMs(${JSON.stringify(provider)}) is ${expected}`, async () => {
    const answer_deadlines = { Vodacom: 6, "MTN SA": 7.5 };
    const ussd = await optionsOf({ ussd: { answer_deadline: 9, answer_deadlines } });
    assert.equal(ussd.answerDeadlineMs(provider), expected);
  });
}

Deno.test("all keys of how SMS are sent can be reloaded", () => {
  const keys = configKeys.map(({ path }) => path).filter((path) => path.startsWith("sms."));
  assert.equal(keys.length, 6);
  assert.deepEqual(keys.filter((path) => !RELOADED.has(path)), []);
});

Deno.test("all keys of sessions can be reloaded", () => {
  const keys = configKeys.map(({ path }) => path)
    .filter((path) => /^(ussd|sms_fallback)\.|^contact_ids$/.test(path));
  assert.equal(keys.length, 25);
  assert.deepEqual(keys.filter((path) => !RELOADED.has(path)), []);
});
