import assert from "node:assert/strict";
import { FakeTurn, type TurnAnswer } from "../support/fake_turn.ts";
import { freePort } from "../support/free_port.ts";
import {
  type CallResult,
  type InboundText,
  type Status,
  TurnClient,
  type TurnClientOptions,
} from "../../src/turn/mod.ts";

const TOKEN = "s3cret-t0ken";
const MESSAGE: InboundText = {
  id: "message-uuid-5678",
  from: "+26612345678",
  text: "Hello world!",
  timestamp: 1628345678,
};
const STATUS: Status = {
  messageId: "msg-uuid-1234",
  recipient: "+26612345678",
  status: "sent",
  timestamp: 1434373200,
};
/** Long enough for anything that does end. */
const LONG = { timeoutMs: 60_000, signal: new AbortController().signal };

/** A client, and Turn, which answers as told. */
class Pair implements AsyncDisposable {
  readonly turn: FakeTurn;
  readonly client: TurnClient;

  constructor(answer?: () => TurnAnswer, more: Partial<TurnClientOptions> = {}) {
    this.turn = FakeTurn.start({ authToken: TOKEN, ...(answer && { answer }) });
    this.client = new TurnClient({
      apiUrl: this.turn.url,
      authToken: TOKEN,
      statusFormat: "flat",
      ...more,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.turn[Symbol.asyncDispose]();
  }
}

/** What a message comes to that Turn answers so. */
async function answered(answer: () => TurnAnswer, timeoutMs = LONG.timeoutMs): Promise<CallResult> {
  await using pair = new Pair(answer);
  return await pair.client.sendMessage(MESSAGE, { ...LONG, timeoutMs });
}

function errors(code: number, title: string, details: string): TurnAnswer {
  return Response.json({ errors: [{ code, title, details }] }, { status: code });
}

/** A body whose first part comes, and no more. */
function stalled(status: number): Response {
  const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
    controller.enqueue(new TextEncoder().encode("no more than this"));
  return new Response(new ReadableStream({ start }), { status });
}

Deno.test("TurnClient.sendMessage() posts what Turn takes, with the token", async () => {
  await using pair = new Pair();
  const delivery = await pair.client.sendMessage(MESSAGE, LONG);
  assert.deepEqual(delivery, { kind: "delivered", status: 200, rateLimit: undefined });
  const [call = assert.fail(), ...more] = pair.turn.calls;
  assert.equal(more.length, 0);
  assert.deepEqual([call.method, call.path], ["POST", "/messages"]);
  assert.equal(call.headers.get("authorization"), `Bearer ${TOKEN}`);
  assert.equal(call.headers.get("content-type"), "application/json");
  assert.match(call.headers.get("user-agent") ?? "", /^turn-channels\/\d+\.\d+\.\d+$/);
  assert.deepEqual(call.body, {
    contact: { id: "+26612345678", profile: { name: "+26612345678" } },
    message: {
      type: "text",
      text: { body: "Hello world!" },
      from: "+26612345678",
      id: "message-uuid-5678",
      timestamp: "1628345678",
    },
  });
});

const STATUS_BODIES = {
  flat: { user_message_id: "msg-uuid-1234", timestamp: "2015-06-15 13:00:00", status: "sent" },
  nested: {
    status: {
      id: "msg-uuid-1234",
      timestamp: "1434373200",
      status: "sent",
      recipient_id: "+26612345678",
    },
  },
};

for (const statusFormat of ["flat", "nested"] as const) {
  Deno.test(`TurnClient.sendStatus() posts statuses that are ${statusFormat}`, async () => {
    await using pair = new Pair(undefined, { statusFormat });
    const delivery = await pair.client.sendStatus(STATUS, LONG);
    assert.deepEqual(delivery, { kind: "delivered", status: 200, rateLimit: undefined });
    const calls = pair.turn.calls.map(({ path, body }) => ({ path, body }));
    assert.deepEqual(calls, [{ path: "/statuses", body: STATUS_BODIES[statusFormat] }]);
  });
}

Deno.test("TurnClient takes an address that ends with a slash", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  using client = new TurnClient({
    apiUrl: `${turn.url}/`,
    authToken: TOKEN,
    statusFormat: "flat",
  });
  assert.equal((await client.sendMessage(MESSAGE, LONG)).kind, "delivered");
});

const KINDS: Record<CallResult["kind"], readonly number[]> = {
  delivered: [200, 201, 202, 204],
  retry: [301, 302, 303, 307, 308, 401, 403, 408, 425, 500, 502, 503, 504, 599],
  limited: [429],
  refused: [400, 404, 405, 409, 410, 413, 415, 422, 431],
};

for (const [kind, statuses] of Object.entries(KINDS)) {
  for (const status of statuses) {
    Deno.test(`TurnClient takes ${status} as ${kind}`, async () => {
      const location = { Location: "http://127.0.0.1:1/elsewhere" };
      const delivery = await answered(() => new Response(null, { status, headers: location }));
      assert.deepEqual([delivery.kind, delivery.status], [kind, status]);
      if ("afterMs" in delivery) assert.equal(delivery.afterMs, 0);
      if (delivery.kind !== "delivered") assert.match(delivery.reason, RegExp(`\\b${status}\\b`));
    });
  }
}

Deno.test("TurnClient does not follow a redirect, and says what to correct", async () => {
  await using pair = new Pair();
  const elsewhere = `${pair.turn.url}/statuses`;
  pair.turn.answer = () => Response.redirect(elsewhere, 307);
  const delivery = await pair.client.sendMessage(MESSAGE, LONG);
  assert.ok(delivery.kind === "retry" && delivery.reason.includes("turn_api_url"));
  assert.equal(pair.turn.calls.length, 1);
});

Deno.test("TurnClient says that the token is not accepted, without saying it", async () => {
  await using pair = new Pair(undefined, { authToken: "another" });
  const delivery = await pair.client.sendMessage(MESSAGE, LONG);
  assert.ok(delivery.kind === "retry" && delivery.reason.includes("auth_token"));
  assert.ok(!delivery.reason.includes("another"));
});

const ANSWERS: readonly [string, () => TurnAnswer, string | undefined][] = [
  [
    "errors",
    () => errors(400, "Bad text", "It is empty"),
    "Bad text, It is empty",
  ],
  [
    "an error",
    () => Response.json({ error: { message: "No contact", code: 1 } }, { status: 400 }),
    "No contact",
  ],
  ["a text", () => new Response("Oh no", { status: 400 }), "Oh no"],
  ["other JSON", () => Response.json([1], { status: 400 }), "[1]"],
  ["an odd error", () => errors(400, "X", [1] as never), "X"],
  [
    "control characters",
    () => new Response("a\r\n\tb\u0000\u001b[31mc\u2028d", { status: 400 }),
    "a b [31mc d",
  ],
  [
    "much",
    () => new Response("x".repeat(9999), { status: 400 }),
    `${"x".repeat(200)}`,
  ],
  ["nothing", () => new Response(null, { status: 400 }), undefined],
  [
    "no UTF-8",
    () => new Response(new Uint8Array([255]), { status: 400 }),
    "\ufffd",
  ],
  [
    "the token",
    () => errors(400, "Bad token", `${TOKEN} is not known`),
    "Bad token, [secret] is not known",
  ],
];

for (const [what, answer, said] of ANSWERS) {
  Deno.test(`TurnClient passes on what Turn says: ${what}`, async () => {
    assert.deepEqual(await answered(answer), {
      kind: "refused",
      status: 400,
      reason: "Turn answered 400",
      rateLimit: undefined,
      ...said === undefined ? {} : { said },
    });
  });
}

Deno.test("TurnClient reads no more than the beginning of an answer", async () => {
  let sent = 0, cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      // What has no end would take the test along.
      if (++sent > 100) controller.close();
      else controller.enqueue(new Uint8Array(1000).fill(0x78));
    },
    cancel: () => {
      cancelled = true;
    },
  });
  const fake: typeof fetch = () => Promise.resolve(new Response(endless, { status: 400 }));
  using client = new TurnClient({
    apiUrl: "http://127.0.0.1:1",
    authToken: TOKEN,
    statusFormat: "flat",
    fetch: fake,
  });
  assert.equal((await client.sendMessage(MESSAGE, LONG)).kind, "refused");
  assert.ok(cancelled && sent <= 10);
});

Deno.test("TurnClient waits as long as Turn asks, by its clock", async () => {
  const headers = {
    "Retry-After": "1",
    "X-Ratelimit-Limit": "20",
    "X-Ratelimit-Remaining": "0",
    "X-Ratelimit-Reset": "1786331727.285",
  };
  await using pair = new Pair(() => new Response(null, { status: 429, headers }), {
    now: () => 1786331725_000,
  });
  const delivery = await pair.client.sendMessage(MESSAGE, LONG);
  assert.ok(delivery.kind === "limited");
  assert.equal(delivery.afterMs, 2285);
  assert.deepEqual(delivery.rateLimit, {
    bucket: undefined,
    limit: 20,
    remaining: 0,
    resetAt: 1786331727_285,
  });
});

const PAGE = "<!doctype html><title>Log in</title>";
const HTML = { "Content-Type": "text/html; charset=utf-8" };
const JSON_TYPE = { "Content-Type": "application/json" };
const LATER = { "Retry-After": "600" };

/** Status, headers and body of an answer, and whose fault it tells of; or its kind, if it tells of none. */
const FAULTS: readonly [number, Record<string, string>, string, string][] = [
  [307, {}, "", "unreachable"],
  [302, HTML, PAGE, "unreachable"],
  [302, LATER, "", "unavailable"],
  [401, {}, "", "unreachable"],
  [403, {}, "", "unreachable"],
  [408, {}, "", "message"],
  [425, LATER, "", "message"],
  [500, {}, "", "turn"],
  [502, HTML, PAGE, "turn"],
  [503, {}, "", "turn"],
  [503, { "Retry-After": "0" }, "", "turn"],
  [503, LATER, "", "unavailable"],
  [502, { ...HTML, ...LATER }, PAGE, "unavailable"],
  // Pages, which are no answer of Turn's API.
  [200, HTML, PAGE, "unreachable"],
  [200, {}, ` \n\ufeff${PAGE}`, "unreachable"],
  [200, HTML, "Log in", "unreachable"],
  [200, HTML, PAGE.padEnd(9_999), "unreachable"],
  [201, { "Content-Type": "application/xhtml+xml" }, PAGE, "unreachable"],
  [200, { ...HTML, ...LATER }, PAGE, "unavailable"],
  [404, HTML, PAGE, "unreachable"],
  [405, HTML, PAGE, "unreachable"],
  // Anything else is one, and so is what a proxy says of one message.
  [200, JSON_TYPE, "{}", "delivered"],
  [200, {}, "", "delivered"],
  [200, HTML, "", "delivered"],
  [200, {}, "ok", "delivered"],
  [200, JSON_TYPE, '"<html>"', "delivered"],
  [413, HTML, PAGE, "refused"],
  [429, HTML, PAGE, "limited"],
  [400, JSON_TYPE, "{}", "refused"],
];

for (const [status, headers, body, fault] of FAULTS) {
  const what = `${status} ${JSON.stringify(headers)} ${JSON.stringify(body.slice(0, 20))}`;
  Deno.test(`TurnClient tells what an answer tells of: ${what}: ${fault}`, async () => {
    const bytes = new TextEncoder().encode(body);
    const result = await answered(() => new Response(bytes, { status, headers }));
    assert.equal(result.kind === "retry" ? result.fault : result.kind, fault);
    if (result.kind !== "retry") return;
    assert.equal(
      result.afterMs,
      "Retry-After" in headers ? 1000 * Number(headers["Retry-After"]) : 0,
    );
    const isToCorrect = status < 400 || status === 404 || status === 405;
    assert.equal(result.reason.includes("correct turn_api_url"), isToCorrect);
  });
}

for (const status of [200, 400, 429, 500]) {
  Deno.test(`TurnClient passes on the rate limit that comes with a ${status}`, async () => {
    const headers = { "X-Ratelimit-Remaining": "7", "X-Ratelimit-Bucket": "text" };
    const delivery = await answered(() => new Response(null, { status, headers }));
    assert.equal(delivery.rateLimit?.remaining, 7);
    assert.equal(delivery.rateLimit?.bucket, "text");
  });

  Deno.test(`TurnClient looks for a bucket in the text of a 429 only, not of a ${status}`, async () => {
    const said = "Rate limit hit for bucket text";
    const delivery = await answered(() => new Response(said, { status }));
    assert.equal(delivery.rateLimit?.bucket, status === 429 ? "text" : undefined);
  });
}

Deno.test("TurnClient gives up a call that Turn does not answer in time", async () => {
  assert.deepEqual(await answered(() => "hang", 50), {
    kind: "retry",
    reason: "Turn did not answer within 0.05 s",
    afterMs: 0,
    fault: "turn",
  });
});

const STALLED: readonly [number, CallResult][] = [
  [200, { kind: "delivered", status: 200, rateLimit: undefined }],
  [500, {
    kind: "retry",
    status: 500,
    reason: "Turn answered 500",
    said: "no more than this",
    afterMs: 0,
    fault: "turn",
    rateLimit: undefined,
  }],
  [400, {
    kind: "refused",
    status: 400,
    reason: "Turn answered 400",
    said: "no more than this",
    rateLimit: undefined,
  }],
];

for (const [status, expected] of STALLED) {
  Deno.test(`TurnClient goes by the status ${status} when the body never ends`, async () => {
    assert.deepEqual(await answered(() => stalled(status), 100), expected);
  });
}

Deno.test("TurnClient calls again later when the connection is dropped", async () => {
  await using pair = new Pair();
  pair.turn.answer = () => pair.turn.drop();
  const delivery = await pair.client.sendMessage(MESSAGE, LONG);
  assert.ok(delivery.kind === "retry" && delivery.status === undefined);
  assert.match(delivery.reason, /^Cannot reach Turn: connection /);
  assert.equal(delivery.fault, "turn");
});

const UNREACHABLE: readonly [string, string, RegExp][] = [
  ["nobody listens", `http://127.0.0.1:${freePort()}/v1`, /connection refused/i],
  ["the name is not known", "http://turn.invalid/v1", /dns error/i],
];

for (const [what, apiUrl, reason] of UNREACHABLE) {
  Deno.test(`TurnClient calls again later when ${what}, and says so`, async () => {
    using client = new TurnClient({ apiUrl, authToken: TOKEN, statusFormat: "flat" });
    const delivery = await client.sendMessage(MESSAGE, LONG);
    assert.ok(delivery.kind === "retry" && delivery.status === undefined);
    assert.equal(delivery.fault, "unreachable");
    assert.match(delivery.reason, reason);
    assert.ok(!delivery.reason.includes("http:") && !delivery.reason.includes("fetch failed"));
  });
}

Deno.test("TurnClient says that TLS fails, and calls again later", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const apiUrl = turn.url.replace("http:", "https:");
  using client = new TurnClient({ apiUrl, authToken: TOKEN, statusFormat: "flat" });
  const delivery = await client.sendMessage(MESSAGE, LONG);
  assert.ok(delivery.kind === "retry");
  assert.match(delivery.reason, /^Cannot reach Turn: .*(tls|InvalidContentType|corrupt)/i);
});

Deno.test("TurnClient rejects with the signal's reason when a call is abandoned", async () => {
  await using pair = new Pair(() => "hang");
  const stop = new AbortController();
  const call = pair.client.sendMessage(MESSAGE, { ...LONG, signal: stop.signal });
  await pair.turn.received(1);
  const reason = new Error("stopping");
  stop.abort(reason);
  await assert.rejects(call, reason);
});

Deno.test("TurnClient does not begin a call that is abandoned already", async () => {
  await using pair = new Pair();
  const signal = AbortSignal.abort(new Error("stopping"));
  await assert.rejects(pair.client.sendMessage(MESSAGE, { ...LONG, signal }), signal.reason);
  assert.equal(pair.turn.calls.length, 0);
});

Deno.test("TurnClient has as many calls under way as it is asked for", async () => {
  await using pair = new Pair(() => "hang");
  const calls = Array.from({ length: 100 }, () => pair.client.sendMessage(MESSAGE, LONG));
  await pair.turn.received(calls.length);
  pair.turn.release();
  for (const delivery of await Promise.all(calls)) assert.equal(delivery.kind, "delivered");
});

Deno.test("TurnClient refuses a token that can't be in a header, without saying it", () => {
  for (const authToken of ["a\nb", "a€b"]) {
    assert.throws(
      () => new TurnClient({ apiUrl: "http://127.0.0.1", authToken, statusFormat: "flat" }),
      (error) => error instanceof TypeError && !error.message.includes(authToken),
    );
  }
});

Deno.test("TurnClient can be closed twice", () => {
  const client = new TurnClient({
    apiUrl: "http://127.0.0.1",
    authToken: TOKEN,
    statusFormat: "flat",
  });
  client[Symbol.dispose]();
  client[Symbol.dispose]();
});
