import assert from "node:assert/strict";
import { valueFindings } from "../../src/cli/check_values.ts";
import { load, REQUIRED } from "../config/support.ts";

/** What is found with these keys. */
async function found(file: Readonly<Record<string, unknown>>): Promise<string[]> {
  const required = Object.entries(REQUIRED).map(([name, value]) => [name.toLowerCase(), value]);
  const written = { ...Object.fromEntries(required), ...file };
  const loaded = await load({ file: JSON.stringify(written) });
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  return valueFindings(loaded.config).map(({ channel, subject, ok }) => {
    assert.equal(ok, false);
    return `${channel ?? "all"} ${subject}`;
  });
}

const PLACEHOLDERS = [
  ...["token", "Secret", "changeme", "change-me", "YOUR-TOKEN", "your_token_here", "xxxx", "..."],
  ...["<token>", "${AUTH_TOKEN}", "SECRET", "replace-with-the-token-of-your-number"],
];

for (const text of PLACEHOLDERS) {
  Deno.test(`${text} is a placeholder`, async () => {
    assert.deepEqual(await found({ auth_token: text, turn_hmac_secret: [text, "aZ3-_x"] }), [
      "turn auth_token",
      "turn turn_hmac_secret",
    ]);
  });
}

for (const text of ["token-of-the-tests", "SFMyNTY.g2gDbQAAAA", "A1B2C3", "myTokyo", "t"]) {
  Deno.test(`${text} is no placeholder`, async () => {
    assert.deepEqual(await found({ auth_token: text, turn_hmac_secret: text }), []);
  });
}

Deno.test("a number of Turn's that was left as README has it is a placeholder", async () => {
  const numbers = "https://whatsapp.turn.io/v1/numbers";
  const zeros = "00000000-0000-0000-0000-000000000000";
  for (const end of ["UUID-OF-THE-USSD-CHANNEL", "<uuid>", zeros]) {
    assert.deepEqual(await found({ turn_api_url: `${numbers}/${end}` }), ["turn turn_api_url"]);
  }
  const real = `${numbers}/5d0b6b3e-1b1e-4b5c-9c39-0e7c7a6c5f2a`;
  assert.deepEqual(await found({ turn_api_url: real }), []);
});

Deno.test("a broker that was left as README has it is a placeholder", async () => {
  assert.deepEqual(await found({ amqp_url: "amqp://USER:PASSWORD@rabbitmq.example.org/VHOST" }), [
    "all amqp_url",
  ]);
  assert.deepEqual(await found({ amqp_url: "amqp://user:pass@h/vhost" }), []);
});

Deno.test("two channels with one number of Turn's are told, by their names", async () => {
  const channels = ["a", "b", "c"].map((name) => ({
    connector_name: name,
    vumi_api_path: name,
    turn_api_url: `https://t.example/${name === "c" ? 2 : 1}/`,
  }));
  assert.deepEqual(await found({ channels }), ["a, b turn_api_url"]);
});
