import assert from "node:assert/strict";
import { curlCommand } from "../../src/simulator/curl.ts";

Deno.test("curlCommand() is taken by a shell as it is meant, whatever the body", async () => {
  const url = "http://127.0.0.1:8080/messages";
  const body = `{"to":"it's \\"me\\"","from":"$HOME \`ls\` !! \\\\ ''"}`;
  const print = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }`;
  const command = `${print}; ${curlCommand(url, body, "secret")}`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  const words = new TextDecoder().decode(stdout).split("\0");
  assert.deepEqual(words.slice(-4), ["--data-raw", body, url, ""]);
});

Deno.test("curlCommand() signs the body", () => {
  // echo -n '{}' | openssl dgst -sha256 -hmac secret -binary | base64
  const signature = "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM=";
  const command = curlCommand("http://127.0.0.1:8080/messages", "{}", "secret");
  assert.ok(command.includes(`-H 'X-Turn-Hook-Signature: ${signature}'`), command);
});
