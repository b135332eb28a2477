import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Acceptance,
  type EndpointOptions,
  methodNotAllowed,
  type OutboundRequest,
  type Sender,
  sign,
  SIGNATURE_HEADER,
  turnEndpoint,
} from "../../src/turn/mod.ts";
import { until } from "../support/until.ts";
import { EXAMPLE, fieldsOf, Logs, options, SECRET, URL_PATH } from "./endpoint_support.ts";

function signed(body: string | Uint8Array, headers: Record<string, string> = {}): RequestInit {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return {
    method: "POST",
    // Copied, as a body must not be of shared memory, which the type allows.
    body: new Uint8Array(bytes),
    headers: {
      "Content-Type": "application/json",
      [SIGNATURE_HEADER]: sign(SECRET, bytes),
      ...headers,
    },
  };
}

const GOOD = JSON.stringify(EXAMPLE);

Deno.test("turnEndpoint() answers with the id once the request is accepted", async () => {
  const requests: OutboundRequest[] = [];
  const app = turnEndpoint([options({
    accept: (request) => {
      requests.push(request);
      return Promise.resolve({ kind: "accepted", id: "message-uuid-5678" });
    },
  })]);
  const response = await app.request(URL_PATH, signed(GOOD));
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json\b/);
  assert.deepEqual(await response.json(), { messages: [{ id: "message-uuid-5678" }] });
  assert.deepEqual(requests, [{
    to: "+26612345678",
    from: "8110",
    replyTo: null,
    message: { type: "text", text: { body: "Hello world!" } },
    content: null,
    waitingForUserInput: false,
  }]);
});

Deno.test("turnEndpoint() serves /messages when the path is empty", async () => {
  const app = turnEndpoint([options({ path: "" })]);
  assert.equal((await app.request("/messages", signed(GOOD))).status, 200);
  assert.equal((await app.request("/api/messages", signed(GOOD))).status, 404);
});

Deno.test("turnEndpoint() serves the path with a slash at its end as well", async () => {
  const app = turnEndpoint([options()]);
  assert.equal((await app.request(`${URL_PATH}/`, signed(GOOD))).status, 200);
  await fieldsOf(await app.request(`${URL_PATH}/`), 405);
});

const OTHER_TYPE = JSON.stringify({ ...EXAMPLE, turn: { type: "image" } });
const PAD = (length: number) => GOOD.slice(0, -1) + " ".repeat(length - GOOD.length) + "}";

const REFUSED: readonly [string, number, RequestInit, readonly (string | undefined)[]][] = [
  ["no signature", 401, { method: "POST", body: GOOD }, [undefined]],
  ["an empty signature", 401, signed(GOOD, { [SIGNATURE_HEADER]: "" }), [undefined]],
  ["a wrong signature", 401, signed(GOOD, { [SIGNATURE_HEADER]: sign("x", new Uint8Array()) }), [
    undefined,
  ]],
  ["the signature of the same JSON in other bytes", 401, {
    ...signed(GOOD),
    body: `${GOOD} `,
  }, [undefined]],
  ["a body that is too large", 413, signed(PAD(1001)), [undefined]],
  ["a form", 415, signed(GOOD, { "Content-Type": "application/x-www-form-urlencoded" }), [
    undefined,
  ]],
  ["a text", 415, signed(GOOD, { "Content-Type": "text/plain" }), [undefined]],
  [
    "a type that only begins like JSON",
    415,
    signed(GOOD, { "Content-Type": "application/jsonx" }),
    [
      undefined,
    ],
  ],
  ["what is not JSON", 400, signed("{"), [undefined]],
  ["what is not UTF-8", 400, signed(new Uint8Array([0x22, 0xff, 0x22])), [undefined]],
  ["an empty body", 400, signed(""), [undefined]],
  ["all faulty fields", 400, signed(JSON.stringify({ from: 1, turn: { type: "text" } })), [
    "to",
    "from",
    "turn.text.body",
  ]],
  ["a picture that is none", 400, signed(OTHER_TYPE), ["turn.image"]],
  // What comes first is said first.
  ["a wrong signature before the content type", 401, {
    ...signed(GOOD, { "Content-Type": "text/plain" }),
    body: "{",
  }, [undefined]],
  ["the size before a wrong signature", 413, { ...signed(GOOD), body: PAD(1001) }, [undefined]],
  ["the content type before what is not JSON", 415, signed("{", { "Content-Type": "text/xml" }), [
    undefined,
  ]],
];

for (const [what, status, init, fields] of REFUSED) {
  Deno.test(`turnEndpoint() answers ${status} to ${what}, and accepts nothing`, async () => {
    const app = turnEndpoint([options({ accept: () => assert.fail("it was accepted") })]);
    const response = await app.request(URL_PATH, init);
    assert.deepEqual((await fieldsOf(response, status)).sort(), [...fields].sort());
  });
}

Deno.test("turnEndpoint() answers 422 to what can't be shown, with the field and why", async () => {
  const details = "It has no words";
  const accept = () =>
    Promise.resolve({ kind: "unsendable" as const, details, field: "turn.type" });
  const app = turnEndpoint([options({ accept })]);
  const response = await app.request(URL_PATH, signed(GOOD));
  assert.equal(response.status, 422);
  const { errors: [error] } = await response.json();
  assert.deepEqual([error.details, error.field], [details, "turn.type"]);
});

const JSON_TYPES = [
  "application/json",
  "Application/JSON; charset=UTF-8",
  "application/json;charset=latin1",
  "application/json ; x=y",
  "application/vnd.v1+json",
  "application/problem+json; charset=utf-8",
  "",
];

for (const type of JSON_TYPES) {
  Deno.test(`turnEndpoint() takes the content type ${JSON.stringify(type)}`, async () => {
    const response = await turnEndpoint([options()])
      .request(URL_PATH, signed(GOOD, { "Content-Type": type }));
    assert.equal(response.status, 200);
  });
}

Deno.test("turnEndpoint() takes a request without a content type", async () => {
  const init = signed(GOOD);
  const headers = { [SIGNATURE_HEADER]: sign(SECRET, new TextEncoder().encode(GOOD)) };
  assert.equal(
    (await turnEndpoint([options()]).request(URL_PATH, { ...init, headers })).status,
    200,
  );
});

Deno.test("turnEndpoint() takes a body of just the size allowed", async () => {
  assert.equal((await turnEndpoint([options()]).request(URL_PATH, signed(PAD(1000)))).status, 200);
});

for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
  Deno.test(`turnEndpoint() answers 405 to ${method}, and names POST`, async () => {
    const response = await turnEndpoint([options()]).request(URL_PATH, { method });
    assert.equal(response.headers.get("allow"), "POST");
    if (method === "HEAD") assert.deepEqual([response.status, await response.text()], [405, ""]);
    else await fieldsOf(response, 405);
  });
}

for (const path of ["/", "/api", "/messages", "/api/messages/1", "/API/messages"]) {
  Deno.test(`turnEndpoint() answers 404 to POST ${path}`, async () => {
    await fieldsOf(await turnEndpoint([options()]).request(path, signed(GOOD)), 404);
  });
}

Deno.test("turnEndpoint() lets other routes answer in the same shape", async () => {
  const app = turnEndpoint([options()]);
  app.get("/health", (context) => context.json({ health: "ok" }));
  app.all("/health", methodNotAllowed("GET", "HEAD"));
  app.get("/bug", () => assert.fail("internals"));
  assert.equal((await app.request("/health")).status, 200);
  assert.equal((await app.request("/health", { method: "HEAD" })).status, 200);
  const response = await app.request("/health", { method: "POST" });
  assert.equal(response.headers.get("allow"), "GET, HEAD");
  await fieldsOf(response, 405);
  await fieldsOf(await app.request("/bug"), 500);
  await fieldsOf(await app.request("/other"), 404);
});

Deno.test("turnEndpoint() answers 404 naming reply_to when that is not known", async () => {
  const app = turnEndpoint([options({
    accept: () => Promise.resolve({ kind: "unknown_reply_to" }),
  })]);
  const response = await app.request(URL_PATH, signed(GOOD));
  assert.deepEqual(await fieldsOf(response, 404), ["reply_to"]);
});

Deno.test("turnEndpoint() answers 503 with Retry-After, and without the reason", async () => {
  const unavailable: Acceptance = { kind: "unavailable", reason: "amqp://x" };
  const app = turnEndpoint([options({ accept: () => Promise.resolve(unavailable) })]);
  const response = await app.request(URL_PATH, signed(GOOD));
  assert.equal(response.headers.get("retry-after"), "5");
  assert.ok(!(await response.clone().text()).includes("amqp"));
  await fieldsOf(response, 503);
});

const THROWN: readonly [string, EndpointOptions["accept"]][] = [
  ["rejects", () => Promise.reject(new TypeError("internals"))],
  ["throws", () => assert.fail("internals")],
];

for (const [how, accept] of THROWN) {
  Deno.test(`turnEndpoint() answers 500 without internals when accept() ${how}`, async () => {
    using logs = new Logs();
    const response = await turnEndpoint([options({ accept })]).request(URL_PATH, signed(GOOD));
    assert.ok(!(await response.clone().text()).includes("internals"));
    await fieldsOf(response, 500);
    assert.ok(logs.records.some((record) => record.startsWith("error:")));
    for (const part of [SECRET, "Hello", "26612345678", sign(SECRET, encode(GOOD))]) {
      assert.ok(!logs.records.join().includes(part));
    }
  });
}

Deno.test("turnEndpoint() answers 503 when accept() never returns", async () => {
  const app = turnEndpoint([
    options({ requestTimeoutMs: 20, accept: () => new Promise(() => {}) }),
  ]);
  const response = await app.request(URL_PATH, signed(GOOD));
  assert.equal(response.headers.get("retry-after"), "5");
  await fieldsOf(response, 503);
});

Deno.test("turnEndpoint() tells accept() the signed body, and when nobody waits any more", async () => {
  const senders: Sender[] = [];
  const answers = [
    Promise.resolve({ kind: "accepted", id: "1" } as const),
    new Promise<never>(() => {}),
  ];
  const accept: EndpointOptions["accept"] = (_, sender) => {
    senders.push(sender);
    assert.equal(sender.isGone(), false);
    return answers[senders.length - 1] ?? assert.fail();
  };
  const app = turnEndpoint([options({ requestTimeoutMs: 20, accept })]);
  assert.equal((await app.request(URL_PATH, signed(GOOD))).status, 200);
  await fieldsOf(await app.request(URL_PATH, signed(GOOD)), 503);
  const [answered = assert.fail(), late = assert.fail()] = senders;
  assert.equal(new TextDecoder().decode(answered.body), GOOD);
  assert.deepEqual([answered.isGone(), late.isGone()], [false, true]);
  assert.deepEqual([answered.isLate(), late.isLate()], [false, true]);
});

Deno.test("turnEndpoint() bears and logs accept() failing after the answer", async () => {
  using logs = new Logs();
  const late = Promise.withResolvers<Acceptance>();
  const app = turnEndpoint([options({ requestTimeoutMs: 20, accept: () => late.promise })]);
  await fieldsOf(await app.request(URL_PATH, signed(GOOD)), 503);
  late.reject(new TypeError("too late"));
  await until("the log", () => logs.records.some((record) => record.startsWith("error:")));
});

Deno.test("turnEndpoint() answers 503, no 4xx, to a body that breaks off", async () => {
  const body = new ReadableStream({
    pull: (controller) => controller.error(new TypeError("connection reset")),
  });
  const response = await turnEndpoint([options()]).request(URL_PATH, { ...signed(GOOD), body });
  assert.equal(response.headers.get("retry-after"), "1");
  await fieldsOf(response, 503);
});

Deno.test("turnEndpoint() reads no more of an oversize body than it may, and lets go of it", async () => {
  let sent = 0;
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent++;
      controller.enqueue(new Uint8Array(400));
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  const response = await turnEndpoint([options()]).request(URL_PATH, { ...signed(GOOD), body });
  await fieldsOf(response, 413);
  await cancelled.promise;
  assert.equal(sent, 3);
});

Deno.test("turnEndpoint() answers any signed bytes, in the one shape", async () => {
  const app = turnEndpoint([options()]);
  await fc.assert(fc.asyncProperty(fc.uint8Array(), async (body) => {
    await fieldsOf(await app.request(URL_PATH, signed(body)), 400);
  }));
});

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
