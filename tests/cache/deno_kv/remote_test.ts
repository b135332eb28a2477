import assert from "node:assert/strict";
import { explainKvError } from "../../../src/cache/deno_kv/fault.ts";
import { inTime, isRemote } from "../../../src/cache/deno_kv/remote.ts";

const URL = "https://kv.example/id";

Deno.test("isRemote() tells servers from files", () => {
  for (const url of [URL, "HTTP://kv.example"]) assert.ok(isRemote(url), url);
  for (const path of ["cache.kv", "/var/https://x", "https", ""]) assert.ok(!isRemote(path), path);
});

Deno.test("inTime() waits for a file for as long as it takes, for a server not", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const file = inTime("cache.kv", promise, 1);
  await assert.rejects(inTime(URL, promise, 1), /no answer within 0\.001 s/);
  resolve("done");
  assert.equal(await file, "done");
  assert.equal(await inTime(URL, promise, 1_000), "done");
});

/** The runtime's words, with what a person must be told. */
const WORDS: readonly (readonly [string, RegExp])[] = [
  [
    "Could not open Deno KV database: the metadata endpoint at 'https://kv.example/id' responded " +
    "with status 401 Unauthorized: no such token: s3cr3t",
    /^its server answered 401; check that .* accepts the token in DENO_KV_ACCESS_TOKEN$/,
  ],
  [
    "KV Connect failed to call 'https://kv.example/snapshot_read' (status=403 Forbidden): s3cr3t",
    /^its server answered 403; /,
  ],
  ["Failed to fetch metadata: s3cr3t", /^its server refused; check that the path is its URL, and /],
  [
    "Could not open Deno KV database: failed to connect to 'https://kv.example/id': error sending",
    /^its server can't be reached, or does not answer; check that it runs/,
  ],
  ["no answer within 5 s", /^its server can't be reached, or does not answer; /],
  [
    "Missing DENO_KV_ACCESS_TOKEN environment variable. Please set it to your access token",
    /^there is no token for its server; set the environment variable DENO_KV_ACCESS_TOKEN$/,
  ],
  [
    'Requires env access to "DENO_KV_ACCESS_TOKEN", run again with the --allow-env flag',
    /^the program was started without the permission; start it with --allow-net, and --allow-env=/,
  ],
];

for (const [words, told] of WORDS) {
  Deno.test(`explainKvError() says what to do about "${words.slice(0, 60)}", and no token`, () => {
    const { reason, fix } = explainKvError(new Error(words));
    assert.match(`${reason}; ${fix}`, told);
    assert.ok(!`${reason}${fix}`.includes("s3cr3t"));
  });
}
