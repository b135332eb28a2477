import assert from "node:assert/strict";
import { checkEndpoint } from "../../src/cli/endpoint_check.ts";
import { FakeTurn } from "../support/fake_turn.ts";
import { SECRET, TOKEN } from "../support/bridge.ts";
import { Program } from "../support/program.ts";

const ENDPOINT = {
  vumi_api_path: "/sms",
  turn_hmac_secret: [SECRET, "the next one"],
  max_body_bytes: 1024,
  request_timeout: 60,
};

Deno.test("checkEndpoint() has what is signed taken, with each secret, and what is not refused", async () => {
  const { ok, subject, detail, fix } = await checkEndpoint(ENDPOINT);
  assert.deepEqual([ok, subject, fix], [true, "POST /sms/messages", undefined], detail);
  assert.match(detail, /with each of the 2 secrets/);
});

Deno.test("checkEndpoint() finds a limit below any message, and names it", async () => {
  const { ok, detail, fix } = await checkEndpoint({ ...ENDPOINT, max_body_bytes: 10 });
  assert.deepEqual([ok, detail], [false, "a signed request is answered 413"]);
  assert.match(fix ?? "", /max_body_bytes/);
});

/** A configuration with these channels, in a file of its own. */
async function check(
  turnUrls: readonly string[],
  token: string,
  more: string,
): Promise<{ code: number; stdout: string; plain: string }> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  const channels = turnUrls.map((url, index) =>
    `- {connector_name: c${index}, vumi_api_path: /c${index}, turn_api_url: "${url}"}`
  );
  const shared = `http_bind: 127.0.0.1:0\nauth_token: ${token}\nturn_hmac_secret: ${SECRET}\n` +
    "default_from_addr: '8110'\namqp_url: 'memory:'\n";
  await Deno.writeTextFile(path, `${shared}${more}\nchannels:\n${channels.join("\n")}\n`);
  try {
    const { code, stdout } = await Program.fromSource().output(["check", `--config=${path}`]);
    // Lines are wrapped.
    return { code, stdout, plain: stdout.replace(/\s+/g, " ") };
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("check looks at each channel, with one row for what they share", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const urls = [turn.url, `${turn.url}2`];
  const folder = await Deno.makeTempDir();
  const more = "message_cache_class: DenoKvMessageCache\nmessage_cache_config: " +
    `{path: ${folder}/c.kv}`;
  const { code, stdout, plain } = await check(urls, TOKEN, more);
  assert.equal(code, 0, stdout);
  for (const name of ["c0", "c1"]) {
    assert.match(plain, new RegExp(`✓ ${name} POST /${name}/messages: accepts signed requests`));
    assert.ok(plain.includes(`✓ ${name} Turn's token: accepted (404; 401 without it)`), plain);
  }
  assert.equal(plain.split("✓ all cache file").length, 2);
  assert.match(plain, /! all admin_bind: not set: whoever can reach 127\.0\.0\.1:0/);
  assert.match(plain, /✓ all disk of the cache: \d+ GiB free|! all disk of the cache: only/);
  assert.ok(turn.calls.every(({ method }) => method === "GET"));
  assert.ok(!stdout.includes(TOKEN) && !stdout.includes(SECRET));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("check finds a token that Turn refuses, exit code 1", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const { code, plain } = await check([turn.url], "an0ther", "");
  assert.equal(code, 1);
  assert.match(plain, /✗ c0 Turn's token: Turn refuses it \(401\) → set auth_token/);
  assert.ok(!plain.includes("an0ther"));
});
