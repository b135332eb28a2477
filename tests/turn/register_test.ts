import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { registerChannel } from "../../src/turn/mod.ts";

const TOKEN = "token-of-a-number";
const ANSWER = {
  number: { uuid: "0a-1b" },
  webhook: { uuid: "2c", hmac_secret: "turns-own" },
};

/** What a Turn that answers like this was asked, and what came of it. */
async function register(answer: () => Response | Promise<Response>) {
  const asked: Record<"method" | "path" | "token" | "agent" | "body", unknown>[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      asked.push({
        method: request.method,
        path: new URL(request.url).pathname,
        token: request.headers.get("authorization"),
        agent: request.headers.get("user-agent"),
        body: await request.json(),
      });
      return await answer();
    },
  );
  const turnUrl = `http://127.0.0.1:${server.addr.port}`;
  const registered = await registerChannel({
    turnUrl,
    authToken: TOKEN,
    fromAddr: "8110",
    name: "USSD",
    endpoint: "https://bridge.example/messages",
  });
  return { asked, registered, turnUrl };
}

Deno.test("registerChannel() asks as Turn's documentation says, and reads its answer", async () => {
  const { asked, registered, turnUrl } = await register(() => Response.json(ANSWER));
  assert.deepEqual(asked, [{
    method: "POST",
    path: "/v1/numbers",
    token: `Bearer ${TOKEN}`,
    agent: `turn-channels/${manifest.version}`,
    body: {
      backend_type: "channel",
      number_type: "channel_http_api",
      from_addr: "8110",
      name: "USSD",
      endpoint: "https://bridge.example/messages",
    },
  }]);
  assert.deepEqual(registered, {
    kind: "registered",
    apiUrl: `${turnUrl}/v1/numbers/0a-1b`,
    hmacSecret: "turns-own",
  });
});

/** What Turn answers, the reason, and the fix. */
const FAILURES: readonly (readonly [string, () => Response, RegExp, RegExp])[] = [
  ["401", () => new Response("no", { status: 401 }), /answered 401: no/, /--auth-token/],
  [
    "422 with reasons",
    () => Response.json({ errors: [{ title: "from_addr", details: "is taken" }] }, { status: 422 }),
    /answered 422: from_addr, is taken/,
    /--default-from-addr/,
  ],
  ["its token", () => new Response(TOKEN, { status: 400 }), /400: \[secret\]$/, /correct/],
  ["404", () => new Response("", { status: 404 }), /answered 404$/, /--turn-url/],
  ["500", () => new Response("", { status: 500 }), /answered 500/, /later/],
  ["a redirect", () => Response.redirect("http://127.0.0.1:9/"), /answered 302/, /--turn-url/],
  ["no JSON", () => new Response("<html>"), /number\.uuid/, /without --register/],
  ["JSON without a secret", () => Response.json({ number: { uuid: "a" } }), /hmac_secret/, /./],
  [
    "an id that is a path",
    () => Response.json({ ...ANSWER, number: { uuid: "../x" } }),
    /number\.uuid/,
    /./,
  ],
  ["200 KiB", () => Response.json({ x: "x".repeat(200_000), ...ANSWER }), /number\.uuid/, /./],
];

for (const [name, answer, reason, fix] of FAILURES) {
  Deno.test(`registerChannel() explains ${name}`, async () => {
    const { registered } = await register(answer);
    assert.ok(registered.kind === "failed");
    assert.match(registered.reason, reason);
    assert.match(registered.fix, fix);
    assert.ok(!JSON.stringify(registered).includes(TOKEN));
  });
}

Deno.test("registerChannel() explains that nobody answers", async () => {
  const registered = await registerChannel({
    turnUrl: "http://127.0.0.1:9",
    authToken: TOKEN,
    fromAddr: "8110",
    name: "USSD",
    endpoint: "https://bridge.example/messages",
  });
  assert.ok(registered.kind === "failed");
  assert.match(registered.reason, /does not answer/);
});
