/**
 * Sessions of USSD: what must be so between their keys, and what the faults say.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { lateWay, redactedConfig, smsFallbackOf } from "../../src/config/mod.ts";
import { fitsOneScreen } from "../../src/config/screen_room.ts";
import { fits } from "../../src/content/gsm7.ts";
import { screenCapacity } from "../../src/content/mod.ts";
import { faults, load, REQUIRED, valid } from "./support.ts";

const FALLBACK = { transport_name: "sms", from_addr: "8110" };
const ONE_SCREEN = "shorter: it would not fit on one screen of ussd.page_chars";
const TOO_LATE = "less than ussd.session_timeout, after which nobody sees the screen";

/** What is in the file, and the fault: its key, value and what is expected; none if it may be so. */
const TOGETHER: readonly (readonly [object, (readonly [string, string | undefined, string])?])[] = [
  [{ ussd: { late: "sms" } }, [
    "ussd.late",
    "sms",
    "fail, unless sms_fallback.transport_name and sms_fallback.from_addr are set: they say how these SMS go",
  ]],
  [{ ussd: { late: "sms" }, sms_fallback: FALLBACK }],
  [{ ussd: { late: "fail" }, sms_fallback: FALLBACK }],
  [{ sms_fallback: { transport_name: "sms" } }, [
    "sms_fallback.from_addr",
    undefined,
    "required with sms_fallback.transport_name: the number or name from which these SMS come",
  ]],
  [{ ussd: { late: "sms" }, sms_fallback: { from_addr: "8110" } }, [
    "sms_fallback.transport_name",
    undefined,
    "required with sms_fallback.from_addr: the transport by which these SMS go",
  ]],
  [{ sms_fallback: { mode: "content", address: "digits" } }],
  [{ ussd: { answer_deadline: 180 } }, ["ussd.answer_deadline", "180", TOO_LATE]],
  [{ ussd: { answer_deadline: 179.9 } }],
  [{ ussd: { session_timeout: 8 } }, ["ussd.answer_deadline", undefined, TOO_LATE]],
  [{ ussd: { session_timeout: 8.1 } }],
  [{ ussd: { answer_deadlines: { Vodacom: 6, MTN: 180 } } }, [
    "ussd.answer_deadlines.MTN",
    "180",
    TOO_LATE,
  ]],
  [{ ussd: { answer_deadlines: { Vodacom: 6, MTN: 0.1 } } }, [
    "ussd.answer_deadlines.MTN",
    "0.1",
    "at least ussd.settle, or no two messages could cross",
  ]],
  [{ ussd: { answer_deadlines: { Vodacom: 0.2, MTN: 179 } } }],
  [{ ussd: { settle: 8.5 } }, [
    "ussd.settle",
    "8.5",
    "at most ussd.answer_deadline, by which the screen is shown in any case",
  ]],
  [{ ussd: { settle: 8 } }],
  [{ ussd: { hold_text: "x".repeat(161), page_chars: 160 } }, [
    "ussd.hold_text",
    `${"x".repeat(77)}...`,
    ONE_SCREEN,
  ]],
  [{ ussd: { hold_text: "€".repeat(80), page_chars: 160 } }],
  [{ ussd: { hold_text: "я".repeat(71), page_chars: 160 } }, [
    "ussd.hold_text",
    JSON.stringify("я".repeat(71)),
    ONE_SCREEN,
  ]],
  [{ ussd: { hold_text: "я".repeat(70), page_chars: 160 } }],
  [{ ussd: { sorry_text: "x".repeat(61), page_chars: 60 } }, [
    "ussd.sorry_text",
    "x".repeat(61),
    ONE_SCREEN,
  ]],
  [{ ussd: { page_chars: 60 } }],
  [{ ussd: { page_chars: 60, continue_text: "я".repeat(20) } }, [
    "ussd.continue_text",
    JSON.stringify("я".repeat(20)),
    "shorter: with ussd.restart_text it would not fit on one screen of ussd.page_chars",
  ]],
  [{ ussd: { continue_text: "я".repeat(20), restart_text: "я".repeat(20) } }],
  [{ ussd: { page_chars: 60, more_text: "x".repeat(12) } }, [
    "ussd.more_text",
    "x".repeat(12),
    "shorter: with ussd.more_key it would take more than half a screen of ussd.page_chars in UCS-2",
  ]],
];

for (const [written, fault] of TOGETHER) {
  const name = JSON.stringify(written).replaceAll(/(.)\1{9,}/gu, "$1…");
  Deno.test(`${name} is ${fault === undefined ? "no fault" : "a fault"}`, async () => {
    const found = await faults({ file: JSON.stringify(written) });
    assert.deepEqual(
      found.map(({ key, value, expected }) => [key, value, expected]),
      fault === undefined ? [] : [fault],
    );
  });
}

Deno.test("faults of keys beside others are told also when others are faulty", async () => {
  const ussd = { late: "sms", page_chars: "x", settle: 9, answer_deadlines: 5 };
  const found = await faults({ file: JSON.stringify({ ussd }), env: { CONNECTOR_NAME: "" } });
  assert.deepEqual(found.map(({ key }) => key), [
    ...["connector_name", "ussd.page_chars", "ussd.settle", "ussd.answer_deadlines", "ussd.late"],
  ]);
});

/** A map's value in the file, and its faults' keys, values and what is expected. */
const MAPS: readonly (readonly [string, unknown, readonly (readonly string[])[]])[] = [
  ["answer_deadlines", { Vodacom: 6, "MTN SA": "7.5", none: null }, []],
  ["answer_deadlines", { Vodacom: 0, MTN: "soon" }, [
    ["ussd.answer_deadlines.Vodacom", "0", "seconds, more than 0, at most 86400"],
    ["ussd.answer_deadlines.MTN", "soon", "seconds, more than 0, at most 86400"],
  ]],
  ["answer_deadlines", { " ": 6 }, [
    ['ussd.answer_deadlines." "', '" "', "the name of a provider, not empty"],
  ]],
  ["answer_deadlines", { MTN: 6, mtn: 7 }, [[
    "ussd.answer_deadlines.mtn",
    "mtn",
    "not again: the name stands there already, and upper and lower case make no difference",
  ]]],
  ["answer_deadlines", [6], [[
    "ussd.answer_deadlines",
    "a list",
    "mapping of providers to seconds, more than 0, at most 86400; as text in JSON",
  ]]],
  ["start_texts", { "*120*8864#": "hi", "*120*8864*3#": "register" }, []],
  ["start_texts", { "120 8864": "hi", "*1#": " ", "*2#": { a: "b" } }, [
    ['ussd.start_texts."120 8864"', '"120 8864"', "a code as it is dialled, of 0-9, * and #"],
    ["ussd.start_texts.*1#", '" "', "text, not blank"],
    ["ussd.start_texts.*2#", "a mapping", "text, not blank"],
  ]],
  ["start_texts", "hi", [[
    "ussd.start_texts",
    "hi",
    "mapping of codes that are dialled to text, not blank; as text in JSON",
  ]]],
];

for (const [key, written, expected] of MAPS) {
  Deno.test(`ussd.${key}: ${JSON.stringify(written)} has ${expected.length} faults`, async () => {
    const found = await faults({ file: JSON.stringify({ ussd: { [key]: written } }) });
    assert.deepEqual(
      found.map(({ key, value = "", expected }) => [key, value, expected]),
      expected,
    );
  });
}

Deno.test("maps of ussd are taken from the file, and as JSON from variables and flags", async () => {
  const { ussd } = await valid({
    file: "ussd: { answer_deadlines: { Vodacom: '6', MTN: null }, settle: 0 }",
    env: { USSD_START_TEXTS: '{"*120#": "hi"}' },
  });
  assert.deepEqual([ussd.answer_deadlines, ussd.start_texts], [{ Vodacom: 6 }, { "*120#": "hi" }]);
  const config = await valid({ flags: { "ussd-answer-deadlines": '{"MTN": 7}' } });
  assert.equal(redactedConfig(config)["ussd.answer_deadlines"], '{"MTN":7}');
  const [fault] = await faults({ flags: { "ussd-answer-deadlines": '{"MTN": 500}' } });
  assert.deepEqual([fault?.key, fault?.value, fault?.source], [
    "ussd.answer_deadlines.MTN",
    "500",
    "flag --ussd-answer-deadlines",
  ]);
});

/** Keys, what becomes of late messages, and the words of a notice if any can be sent. */
const LATE: readonly (readonly [Readonly<Record<string, unknown>>, "sms" | "fail", string?])[] = [
  [{}, "fail"],
  [{ ussd: { late: "fail" } }, "fail"],
  [
    { sms_fallback: FALLBACK },
    "sms",
    "You have a message from us. Dial our number again to read it.",
  ],
  [
    { sms_fallback: FALLBACK, ussd: { late: "fail" }, default_from_addr: "*120*8864#" },
    "fail",
    "You have a message from us. Dial *120*8864# to read it.",
  ],
  [
    { sms_fallback: FALLBACK, default_from_addr: "#100#" },
    "sms",
    "You have a message from us. Dial #100# to read it.",
  ],
  [
    { sms_fallback: { ...FALLBACK, notice_text: "Dial us." }, ussd: { late: "sms" } },
    "sms",
    "Dial us.",
  ],
];

for (const [written, way, notice] of LATE) {
  Deno.test(`late messages with ${JSON.stringify(written)}: ${way}`, async () => {
    const { default_from_addr: address = "8110", ...rest } = written;
    const env = { DEFAULT_FROM_ADDR: String(address) };
    const config = await valid({ file: JSON.stringify(rest), env });
    assert.equal(lateWay(config), way);
    assert.equal(smsFallbackOf(config)?.notice_text, notice);
    if (notice === undefined) return;
    assert.ok(fits(notice, { septets: 160, units: 70 }), "one SMS");
    const { notice_text: _, ...others } = smsFallbackOf(config) ?? assert.fail();
    assert.deepEqual(others, {
      ...FALLBACK,
      transport_type: "sms",
      address: "as_is",
      mode: "notice",
    });
  });
}

Deno.test("a channel has keys of USSD for itself, name by name in maps too", async () => {
  const { CONNECTOR_NAME: _, ...env } = REQUIRED;
  const file = JSON.stringify({
    ussd: { settle: 1, answer_deadlines: { Vodacom: 6, MTN: 7 }, start_texts: { "*1#": "a" } },
    sms_fallback: FALLBACK,
    channels: [{
      connector_name: "c1",
      vumi_api_path: "/1",
      ussd: { answer_deadlines: { MTN: 5, Telkom: 9 }, start_texts: { "*1#": "b" }, late: "fail" },
      sms_fallback: { from_addr: "8111" },
      contact_ids: "e164",
    }, { connector_name: "c2", vumi_api_path: "/2" }],
  });
  const loaded = await load({ file, env });
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
  const [first = assert.fail(), second = assert.fail()] = loaded.config.channels;
  assert.deepEqual(first.ussd.answer_deadlines, { Vodacom: 6, MTN: 5, Telkom: 9 });
  assert.deepEqual(second.ussd.answer_deadlines, { Vodacom: 6, MTN: 7 });
  assert.deepEqual([first.ussd.settle, first.ussd.start_texts], [1, { "*1#": "b" }]);
  assert.deepEqual([lateWay(first), lateWay(second)], ["fail", "sms"]);
  assert.deepEqual([first, second].map((one) => smsFallbackOf(one)?.from_addr), ["8111", "8110"]);
  assert.deepEqual([first.contact_ids, second.contact_ids], ["e164", "as_is"]);
});

Deno.test("a fault between keys of several channels names the channel whose it is", async () => {
  const { CONNECTOR_NAME: _, ...env } = REQUIRED;
  const file = JSON.stringify({
    sms_fallback: { from_addr: "8110" },
    channels: [
      { connector_name: "c1", vumi_api_path: "/1", sms_fallback: { transport_name: "sms" } },
      { connector_name: "c2", vumi_api_path: "/2", ussd: { answer_deadlines: { MTN: 999 } } },
    ],
  });
  const loaded = await load({ file, env });
  assert.ok(loaded.kind === "faulty");
  assert.deepEqual(loaded.faults.map(({ key }) => key), [
    "channels[1].ussd.answer_deadlines.MTN",
    "channels[1].sms_fallback.transport_name",
  ]);
});

Deno.test("fitsOneScreen() reckons as screens are filled", () => {
  for (let unit = 0; unit < 0x10000; unit++) {
    const text = String.fromCharCode(unit);
    for (const [count, pageChars] of [[80, 160], [81, 160], [91, 182], [92, 182]] as const) {
      const many = text.repeat(count);
      assert.equal(fitsOneScreen(many, pageChars), fits(many, screenCapacity(pageChars)), text);
    }
  }
  const text = fc.string({ unit: fc.constantFrom(..."a€^ñя😀\n"), maxLength: 200 });
  fc.assert(fc.property(text, fc.integer({ min: 60, max: 182 }), (text, pageChars) => {
    assert.equal(fitsOneScreen(text, pageChars), fits(text, screenCapacity(pageChars)));
  }));
});
