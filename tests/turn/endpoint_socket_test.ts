import assert from "node:assert/strict";
import { send } from "../support/fake_turn.ts";
import { type EndpointOptions, sign, SIGNATURE_HEADER, turnEndpoint } from "../../src/turn/mod.ts";
import { until } from "../support/until.ts";
import { EXAMPLE, fieldsOf, Logs, options, SECRET, URL_PATH } from "./endpoint_support.ts";

/** The endpoint, where sockets are wanted. */
class Server implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(more: Partial<EndpointOptions> = {}) {
    const app = turnEndpoint([options(more)]);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => app.fetch(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}${URL_PATH}`;
  }

  /** A connection on which the head of a request was sent, and `body`, which is not all. */
  async begin(headers: string, body: string): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#server.addr.port });
    await connection.write(encode(
      `POST ${URL_PATH} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`,
    ));
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** All that comes until an answer is whole. */
async function readAnswer(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(10_000);
  let answer = "";
  while (!answer.includes("]}")) {
    const n = await connection.read(buffer);
    if (n === null) break;
    answer += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return answer;
}

Deno.test("turnEndpoint() takes over a socket what Turn sends", async () => {
  await using server = new Server();
  const response = await send(server.url, EXAMPLE, { secret: SECRET });
  assert.deepEqual(await response.json(), { messages: [{ id: "message-uuid-5678" }] });
  await fieldsOf(await send(server.url, EXAMPLE, { secret: "other" }), 401);
});

const SIGNED = `${SIGNATURE_HEADER}: ${sign("other", new Uint8Array())}\r\n`;
const ENDLESS = [["Content-Length: 500", "{"], [
  "Transfer-Encoding: chunked",
  "1\r\n{\r\n",
]] as const;

for (const [header, body] of ENDLESS) {
  Deno.test(`turnEndpoint() answers 503 to a body that never ends (${header})`, async () => {
    await using server = new Server({ requestTimeoutMs: 50 });
    using connection = await server.begin(SIGNED + header, body);
    assert.match(await readAnswer(connection), /^HTTP\/1.1 503 [^]*"code":503/);
  });
}

const OVERSIZE = [
  ["Content-Length: 1001", ""],
  ["Transfer-Encoding: chunked", `3E9\r\n${"x".repeat(1001)}\r\n`],
] as const;

for (const [header, body] of OVERSIZE) {
  Deno.test(`turnEndpoint() answers 413 before the end (${header})`, async () => {
    await using server = new Server();
    using connection = await server.begin(SIGNED + header, body);
    assert.match(await readAnswer(connection), /^HTTP\/1.1 413 [^]*"code":413/);
  });
}

const UNSIGNED = [
  ["without a signature", ""],
  ["with a signature in hex", `${SIGNATURE_HEADER}: ${"0f".repeat(32)}\r\n`],
  ["with a signature of 33 bytes", `${SIGNATURE_HEADER}: ${"A".repeat(44)}\r\n`],
] as const;

for (const [what, header] of UNSIGNED) {
  Deno.test(`turnEndpoint() does not wait for a body ${what}`, async () => {
    await using server = new Server();
    using connection = await server.begin(`${header}Content-Length: 500`, "");
    assert.match(await readAnswer(connection), /^HTTP\/1.1 401 [^]*"code":401/);
  });
}

const LARGE = 1024 * 1024;

Deno.test("turnEndpoint() holds 32 MiB of large bodies at once, and takes small ones meanwhile", async () => {
  await using server = new Server({ maxBodyBytes: LARGE });
  {
    using connections = new DisposableStack();
    const answers = Array.from({ length: 33 }, async () => {
      const connection = connections.use(
        await server.begin(`${SIGNED}Content-Length: ${LARGE}`, ""),
      );
      // All but the last byte; nobody reads it if it is too much.
      writeAll(connection, new Uint8Array(LARGE - 1)).catch(() => {});
      return await readAnswer(connection);
    });
    assert.match(await Promise.any(answers), /^HTTP\/1.1 503 [^]*retry-after: 1\r\n/i);
    const small = await send(server.url, EXAMPLE, { secret: SECRET });
    assert.equal(small.status, 200, await small.text());
  }
  await until("room for others when they are gone", async () => {
    const large = await send(server.url, "x".repeat(LARGE), { secret: SECRET });
    await large.body?.cancel();
    return large.status === 400; // As it is no JSON.
  });
});

Deno.test("turnEndpoint() bears a client that hangs up within a body", async () => {
  await using server = new Server();
  using logs = new Logs();
  for (const [header, body] of ENDLESS) (await server.begin(SIGNED + header, body)).close();
  await until("both to be noticed", () => logs.records.length >= 2);
  assert.ok(logs.records.every((record) => !record.startsWith("error:")), logs.records.join("\n"));
  const response = await send(server.url, EXAMPLE, { secret: SECRET });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
