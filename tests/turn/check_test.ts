import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";
import type { Finding } from "../../src/telemetry/mod.ts";
import { askTurn } from "../../src/turn/mod.ts";

const TOKEN = "s3cret";

/** What is found out about a Turn that answers so, and the requests that it got. */
async function reach(
  answer: (authorization: string | null) => Response,
  now?: () => number,
): Promise<{ findings: readonly Finding[]; methods: readonly string[] }> {
  const methods: string[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    methods.push(request.method);
    assert.match(request.headers.get("user-agent") ?? "", /^turn-channels\/[\d.]+$/);
    return answer(request.headers.get("authorization"));
  });
  const apiUrl = `http://127.0.0.1:${server.addr.port}/v1/numbers/x`;
  const findings = await askTurn({
    apiUrl,
    authToken: TOKEN,
    timeoutMs: 20_000,
    ...(now && { now }),
  });
  for (const { detail, fix } of findings) assert.ok(!`${detail}${fix}`.includes(TOKEN), detail);
  return { findings, methods };
}

function about(findings: readonly Finding[], subject: string): Finding {
  return findings.find((one) => one.subject === subject) ?? assert.fail(JSON.stringify(findings));
}

for (
  const [label, without, withToken, ok, words] of [
    ["taken", 401, 200, true, /^accepted/],
    ["taken, though there is nothing to see", 403, 404, true, /^accepted \(404; 403 without it\)/],
    ["refused", 401, 401, false, /^Turn refuses it \(401\)/],
    ["not allowed here", 401, 403, false, /^Turn refuses it \(403\)/],
    ["not looked at", 404, 404, undefined, /^can't be determined: Turn answers 404/],
    ["not known while Turn has trouble", 500, 500, undefined, /^can't be determined/],
    ["not known while Turn redirects", 302, 302, false, /^Turn redirects \(302\)/],
  ] as const
) {
  Deno.test(`reachTurn() tells of a token that is ${label}, and sends nothing`, async () => {
    const { findings, methods } = await reach((authorization) => {
      const isOurs = authorization === `Bearer ${TOKEN}`;
      assert.ok(isOurs || authorization === null);
      return new Response(null, { status: isOurs ? withToken : without });
    });
    const found = about(findings, "Turn's token");
    assert.equal(found.ok, ok);
    assert.match(found.detail, words);
    assert.equal(found.fix === undefined, ok === true);
    assert.deepEqual(methods, ["GET", "GET"]);
    assert.equal(about(findings, "Turn").ok, true);
  });
}

Deno.test("reachTurn() tells of a web page in Turn's place, and what to do", async () => {
  const { findings } = await reach(() =>
    new Response("<html>", { headers: { "Content-Type": "text/html" } })
  );
  const { ok, detail, fix } = about(findings, "Turn's token");
  assert.equal(ok, false);
  assert.match(detail, /^a web page answers \(200\)/);
  assert.match(fix ?? "", /turn_api_url.*maintained/);
});

for (
  const [label, aheadMs, ok, words] of [
    ["right", 1_000, true, /^\d s from Turn's$/],
    ["ahead", 45_000, undefined, /^4\d s ahead of Turn's/],
    ["behind", -3_600_000, undefined, /^3[56]\d\d s behind Turn's/],
  ] as const
) {
  Deno.test(`reachTurn() tells that our clock is ${label}`, async () => {
    const { findings } = await reach(() => new Response(), () => Date.now() + aheadMs);
    const clock = about(findings, "clock");
    assert.equal(clock.ok, ok);
    assert.match(clock.detail, words);
  });
}

Deno.test("reachTurn() says that a clock without a Date can't be compared", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      const answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  const apiUrl = `http://127.0.0.1:${listener.addr.port}/`;
  const findings = await askTurn({ apiUrl, authToken: TOKEN, timeoutMs: 20_000 });
  assert.deepEqual(about(findings, "clock").ok, undefined);
  assert.match(about(findings, "clock").detail, /has no Date/);
  listener.close();
  await serving;
});

for (
  const [what, apiUrl, fix] of [
    ["a name that is not known", "https://nowhere.invalid/v1", /host name in turn_api_url/],
    [
      "a port where nobody listens",
      `http://127.0.0.1:${freePort()}/v1`,
      /host and port in turn_api_url/,
    ],
  ] as const
) {
  Deno.test(`reachTurn() tells of ${what}, and what to do`, async () => {
    const [found = assert.fail(), ...others] = await askTurn({
      apiUrl,
      authToken: TOKEN,
      timeoutMs: 20_000,
    });
    assert.deepEqual(others, []);
    assert.equal(found.ok, false);
    assert.match(found.fix ?? "", fix);
  });
}

Deno.test("reachTurn() tells of a port that speaks no TLS, of one that is silent, and what to do", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(),
  );
  const apiUrl = `https://127.0.0.1:${server.addr.port}/`;
  const [noTls] = await askTurn({ apiUrl, authToken: TOKEN, timeoutMs: 20_000 });
  assert.match(noTls?.fix ?? "", /does not speak TLS/, noTls?.detail);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [slow] = await askTurn({
    apiUrl: `http://127.0.0.1:${silent.addr.port}/`,
    authToken: TOKEN,
    timeoutMs: 200,
  });
  assert.match(slow?.detail ?? "", /does not answer: it timed out$/);
  assert.match(slow?.fix ?? "", /firewall or a proxy/);
});
