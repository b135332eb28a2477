/**
 * Several channels in one configuration: what each has for itself, and how faults name it.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as z from "zod";
import {
  changedKeys,
  type Config,
  configJsonSchema,
  formatFaults,
  type LoadedConfig,
} from "../../src/config/mod.ts";
import { type Given, load } from "./support.ts";

const SHARED = `
http_bind: 127.0.0.1:8080
turn_api_url: https://turn.example/v1
default_from_addr: "8110"
max_retries: 7
message_cache_config: { timeout: 60 }
`;

const TWO = `${SHARED}
channels:
  - connector_name: ussd
    vumi_api_path: /ussd
    auth_token: ussd-t0ken
    turn_hmac_secret: ussd-s3cret
    default_from_addr: "*120*1#"
    transport_type: ussd
    max_retries: null
  - connector_name: sms
    vumi_api_path: sms/
    auth_token: sms-t0ken
    turn_hmac_secret: [sms-new, sms-old]
    max_retries: 1
    worker_concurrency: 100
`;

/** The file with something else in place of a part of it. */
function changed(part: string, other: string): string {
  assert.ok(TWO.includes(part), part);
  return TWO.replace(part, other);
}

async function valid(given: Given): Promise<Config> {
  const loaded = await load(given);
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
  return loaded.config;
}

/** Keys and what is expected; the report of them holds no secret. */
async function faults(given: Given): Promise<Record<string, string>> {
  const loaded = await load(given);
  assert.ok(loaded.kind === "faulty", "It has no fault");
  assertNoSecret(loaded);
  return Object.fromEntries(loaded.faults.map(({ key, expected }) => [key, expected]));
}

function assertNoSecret(loaded: LoadedConfig): void {
  const text = loaded.kind === "faulty" ? formatFaults(loaded.faults) : "";
  assert.doesNotMatch(text + JSON.stringify(loaded.warnings), /t0ken|s3cret|sms-old/);
}

Deno.test("each channel has its own keys over the shared ones over the defaults", async () => {
  const { channels, ...first } = await valid({ file: TWO });
  assert.deepEqual(
    channels.map((channel) => [
      channel.connector_name,
      channel.vumi_api_path,
      channel.auth_token,
      channel.turn_hmac_secret,
      channel.default_from_addr,
      channel.transport_type,
      channel.max_retries,
      channel.worker_concurrency,
      channel.message_cache_config.timeout,
    ]),
    [
      ["ussd", "/ussd", "ussd-t0ken", ["ussd-s3cret"], "*120*1#", "ussd", 7, 20, 60],
      ["sms", "/sms", "sms-t0ken", ["sms-new", "sms-old"], "8110", "sms", 1, 100, 60],
    ],
  );
  assert.deepEqual(first, channels[0]);
});

Deno.test("partitions of an earlier configuration have no effect, which is said once", async () => {
  const file = TWO.replaceAll("    auth_token:", "    partitions: 8\n    auth_token:");
  const loaded = await load({ file });
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings.map(({ key }) => key), ["partitions"]);
  assert.match(loaded.warnings[0]?.message ?? "", /has no effect: one bridge speaks for a channel/);
  assert.equal(
    (await load({ file: TWO.replace("max_retries: 7", "partitions: 65") })).kind,
    "faulty",
  );
});

Deno.test("a configuration without the list, or with none in it, is one channel", async () => {
  const plain = `${SHARED}connector_name: c\nauth_token: t\nturn_hmac_secret: s\n`;
  for (const file of [plain, `${plain}channels:\n`]) {
    const { channels, ...config } = await valid({ file });
    assert.deepEqual(channels, [config]);
  }
  const listed = `${SHARED}channels: [{connector_name: c, auth_token: t, turn_hmac_secret: s}]\n`;
  const { channels, ...config } = await valid({ file: listed });
  assert.deepEqual(channels, [config]);
  assert.deepEqual(config, (await valid({ file: plain })).channels[0]);
});

Deno.test("environment and flags are over all channels, a channel's own variable over the others", async () => {
  const { channels } = await valid({
    file: TWO,
    env: {
      P_MAX_RETRIES: "2",
      P_RETRY_FOR: "3",
      P_CHANNELS_1_RETRY_FOR: "4",
      P_CHANNELS_0_AUTH_TOKEN: "other",
      P_CHANNELS_1_EVENT_URL_TIMEOUT: "5",
      VUMI_CONFIG_PREFIX: "P",
    },
    flags: { "event-url-timeout": "6" },
  });
  assert.deepEqual(
    channels.map((channel) => [
      channel.max_retries,
      channel.retry_for,
      channel.auth_token,
      channel.event_url_timeout,
    ]),
    [[2, 3, "other", 6], [2, 4, "sms-t0ken", 6]],
  );
});

Deno.test("a variable of a channel's own for a shared key, or of a channel that is not there, is not known", async () => {
  const env = { P_CHANNELS_0_AMQP_URL: "x", P_CHANNELS_2_AUTH_TOKEN: "x", VUMI_CONFIG_PREFIX: "P" };
  const loaded = await load({ file: TWO, env });
  assert.equal(loaded.kind, "ok");
  assert.deepEqual(loaded.warnings.map(({ key }) => key), Object.keys(env).slice(0, 2));
});

Deno.test("secrets come from files of each channel's own, also over a shared secret", async () => {
  const file = `${SHARED}auth_token: shared\nturn_hmac_secret_file: /shared\nchannels:
  - {connector_name: a, vumi_api_path: a, auth_token_file: /a}
  - {connector_name: b, vumi_api_path: b, turn_hmac_secret: own}\n`;
  const { channels } = await valid({ file, files: { "/a": "a-t0ken\n", "/shared": "1\n2\n" } });
  assert.deepEqual(
    channels.map(({ auth_token, turn_hmac_secret }) => [auth_token, turn_hmac_secret]),
    [["a-t0ken", ["1", "2"]], ["shared", ["own"]]],
  );
  assert.deepEqual(await faults({ file, files: { "/a": "", "/shared": "s3cret" } }), {
    "channels[0].auth_token_file": "a file that is not empty",
  });
  const badToken = { "/a": "not a t0ken\n", "/shared": "1" };
  assert.deepEqual(Object.keys(await faults({ file, files: badToken })), [
    "channels[0].auth_token",
  ]);
  assert.deepEqual(Object.keys(await faults({ file, files: { "/a": "a" } })), [
    "turn_hmac_secret_file",
  ]);
});

Deno.test("a channel with a secret and a file for it has a fault", async () => {
  const file = changed(
    "    auth_token: sms-t0ken",
    "    auth_token: t0ken\n    auth_token_file: /a",
  );
  assert.deepEqual(await faults({ file, files: { "/a": "t0ken" } }), {
    "channels[1].auth_token_file": "either auth_token or auth_token_file, not both",
  });
});

Deno.test("a fault names the channel it is in, and where; what is shared is told once", async () => {
  const loaded = await load({
    file: changed("auth_token: sms-t0ken", "auth_token: Bearer sms-t0ken")
      .replace("max_retries: 7", "max_retries: -7").replace("timeout: 60", "timeout: x")
      .replace("    turn_hmac_secret: ussd-s3cret\n", "")
      .replace("worker_concurrency: 100", "worker_concurrency: 0"),
    env: { CHANNELS_0_TURN_API_URL: "ftp://x" },
  });
  assert.ok(loaded.kind === "faulty");
  assertNoSecret(loaded);
  assert.deepEqual(
    loaded.faults.map(({ key, source }) => [key, source.replace(/;.*/, "")]).sort(),
    [
      ["channels[0].turn_api_url", "environment variable CHANNELS_0_TURN_API_URL"],
      ["channels[0].turn_hmac_secret", "nowhere"],
      ["channels[1].auth_token", "file config.yaml, channels[1]"],
      ["channels[1].worker_concurrency", "file config.yaml, channels[1]"],
      ["max_retries", "file config.yaml"],
      ["message_cache_config.timeout", "file config.yaml"],
    ],
  );
});

Deno.test("a channel has keys of a group for itself, too", async () => {
  const timeouts = async (given: Given): Promise<readonly number[]> =>
    (await valid(given)).channels.map(({ ussd }) => ussd.session_timeout);
  const own = (value: string): string => changed("    transport_type: ussd", `    ussd: ${value}`);
  const shared = "ussd: { session_timeout: 90 }\n";
  assert.deepEqual(await timeouts({ file: own("{ session_timeout: 60 }") }), [60, 180]);
  assert.deepEqual(await timeouts({ file: shared + own("{ session_timeout: 60 }") }), [60, 90]);
  for (const none of ["{ session_timeout: null }", "{}", "null"]) {
    assert.deepEqual(await timeouts({ file: shared + own(none) }), [90, 90]);
  }
  const env = { P_CHANNELS_1_USSD_SESSION_TIMEOUT: "30", VUMI_CONFIG_PREFIX: "p" };
  assert.deepEqual(await timeouts({ file: own("{ session_timeout: 60 }"), env }), [60, 30]);
  assert.deepEqual(await faults({ file: own("5") }), {
    "channels[0].ussd":
      "a mapping of session_timeout, page_chars, more_key, more_text, max_pages, " +
      "merge_window, settle, answer_deadline, answer_deadlines, hold_text, hold_max, sorry_text, " +
      "late, start_text, start_texts, resume_window, continue_text, restart_text",
  });
  assert.deepEqual(Object.keys(await faults({ file: own("{ session_timeout: x }") })), [
    "channels[0].ussd.session_timeout",
  ]);
  const loaded = await load({ file: own("{ sesion_timeout: 5 }") });
  assert.match(loaded.warnings[0]?.message ?? "", /did you mean ussd.session_timeout\?$/);
  const before = await valid({ file: own("{ session_timeout: 60 }") });
  const after = await valid({ file: own("{ session_timeout: 61 }") });
  assert.deepEqual(changedKeys(before, after), ["channels[0].ussd.session_timeout"]);
});

Deno.test("a key that all channels must share is refused in one of them", async () => {
  const file = changed(
    "    transport_type: ussd",
    "    amqp: {password: s3cret}\n    http_bind: x:1",
  );
  assert.deepEqual(await faults({ file }), {
    "channels[0].amqp": "to be set beside channels, because it applies to all of them",
    "channels[0].http_bind": "to be set beside channels, because it applies to all of them",
  });
  const none = changed("    transport_type: ussd", "    amqp_url: null");
  assert.equal((await valid({ file: none })).channels.length, 2);
});

Deno.test("what is not known in a channel is warned of, with the channel and a near key", async () => {
  const loaded = await load({
    file: changed("    transport_type: ussd", "    auth_tokne: s3cret\n    channels: [1]"),
  });
  assert.equal(loaded.kind, "ok");
  assertNoSecret(loaded);
  assert.deepEqual(loaded.warnings.map(({ message }) => message), [
    "auth_tokne in file config.yaml, channels[0] is not known and has no effect; did you mean auth_token?",
    "channels in file config.yaml, channels[0] is not known and has no effect",
  ]);
});

const NO_LISTS: Readonly<Record<string, unknown>> = {
  "nothing in it": [],
  "a mapping": { connector_name: "t0ken" },
  "a text": "t0ken",
};
for (const [what, list] of Object.entries(NO_LISTS)) {
  Deno.test(`channels that are ${what} are that one fault`, async () => {
    const file = `${SHARED}channels: ${JSON.stringify(list)}\n`;
    assert.deepEqual(await faults({ file }), {
      channels: "a list with a mapping of keys for each channel",
    });
  });
}

for (const entry of ["t0ken", "[t0ken]", "null", "7"]) {
  Deno.test(`an entry of the list that is ${entry} is that one fault`, async () => {
    assert.deepEqual(await faults({ file: `${TWO}  - ${entry}\n` }), {
      "channels[2]": "a mapping of keys to values",
    });
  });
}

Deno.test("channels with the same connector or path are refused, also when another one is faulty", async () => {
  const third = `  - connector_name: sms
    vumi_api_path: /ussd/
    auth_token: t
    turn_hmac_secret: s\n`;
  const clashes = {
    "channels[2].connector_name": "a value other than that of channels[1]",
    "channels[2].vumi_api_path": "a value other than that of channels[0]",
  };
  assert.deepEqual(await faults({ file: TWO + third }), clashes);
  const faulty = await faults({
    file: changed("auth_token: ussd-t0ken", "auth_token: Bearer ussd-t0ken") + third,
  });
  assert.deepEqual(Object.keys(faulty), ["channels[0].auth_token", ...Object.keys(clashes)]);
  assert.deepEqual(await faults({ file: `${SHARED}channels: [x]\n` }), {
    "channels[0]": "a mapping of keys to values",
  });
});

Deno.test("one path for all by a default or a variable is a clash that says where it is from", async () => {
  const loaded = await load({
    file: TWO.replaceAll(/ {4}vumi_api_path: .*\n/g, ""),
    env: { CONNECTOR_NAME: "c" },
  });
  assert.ok(loaded.kind === "faulty");
  assert.deepEqual(loaded.faults, [
    {
      key: "channels[1].connector_name",
      value: '"c"',
      expected: "a value other than that of channels[0]",
      source: "environment variable CONNECTOR_NAME",
    },
    {
      key: "channels[1].vumi_api_path",
      value: '""',
      expected: "a value other than that of channels[0]",
      source: "the default",
    },
  ]);
});

Deno.test("the JSON Schema takes several channels, with keys of their own only", () => {
  const validator = z.fromJSONSchema(configJsonSchema());
  const channel = { connector_name: "a", turn_hmac_secret: ["1", "2"], worker_concurrency: 3 };
  assert.ok(validator.safeParse({ max_retries: 1, channels: [channel] }).success);
  for (
    const wrong of [[], [7], channel, [{ ...channel, amqp_url: "amqp://x" }], [{ channels: [] }]]
  ) {
    assert.ok(!validator.safeParse({ channels: wrong }).success, JSON.stringify(wrong));
  }
});

Deno.test("changedKeys() has a channel's own keys with the channel, and shared ones once", async () => {
  const before = await valid({ file: TWO });
  const after = (file: string): Promise<Config> => valid({ file });
  const keys = async (file: string) => changedKeys(before, await after(file));
  assert.deepEqual(await keys(TWO), []);
  assert.deepEqual(await keys(changed("sms-old", "sms-other")), ["channels[1].turn_hmac_secret"]);
  assert.deepEqual(await keys(changed("timeout: 60", "timeout: 61")), [
    "message_cache_config.timeout",
  ]);
  assert.deepEqual(await keys(changed("max_retries: 7", "max_retries: 8")), [
    "channels[0].max_retries",
  ]);
  const renamed = changed("connector_name: ussd", "connector_name: other")
    .replace("sms-t0ken", "new").replace("timeout: 60", "timeout: 61");
  assert.deepEqual(await keys(renamed), [
    "channels",
    "channels[1].auth_token",
    "message_cache_config.timeout",
  ]);
  const one = TWO.slice(0, TWO.indexOf("  - connector_name: sms"));
  assert.deepEqual(await keys(one), ["channels"]);
  assert.deepEqual(changedKeys(await after(one), before), ["channels"]);
});
