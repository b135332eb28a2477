/**
 * A cache on a server by KV Connect, as far as it can be tried without such a server: how it is asked,
 * and what is done when it refuses or fails. That it keeps anything is not tested.
 *
 * @module
 */

import assert from "node:assert/strict";
import { send } from "../support/fake_turn.ts";
import { SECRET } from "../support/bridge.ts";
import { Program } from "../support/program.ts";

const TOKEN = "s3cr3t-of-the-cache";
const ENV = { DENO_KV_ACCESS_TOKEN: TOKEN };

/** A SnapshotReadOutput: of one range, which is empty, read consistently, with success. */
const NOTHING = Uint8Array.of(0x0a, 0, 0x20, 1, 0x40, 1);

/** Refuses the metadata with `metadata`; or gives it, and fails with `data` after the first reading. */
class FakeKvServer implements AsyncDisposable {
  /** The tokens that it was asked with. */
  readonly asked: (string | null)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #hasRead = false;

  constructor(answers: { readonly metadata?: number; readonly data: number }) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const given = request.headers.get("authorization");
      this.asked.push(given);
      // As a careless server would, it repeats the token.
      const refuse = (status: number) => new Response(`refused: ${given}`, { status });
      if (new URL(request.url).pathname !== "/") {
        if (this.#hasRead) return refuse(answers.data);
        this.#hasRead = true;
        return new Response(NOTHING);
      }
      if (answers.metadata !== undefined) return refuse(answers.metadata);
      return Response.json({
        version: 3,
        databaseId: crypto.randomUUID(),
        endpoints: [{ url: `${this.url}/data`, consistency: "strong" }],
        token: "token-for-data",
        expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function flags(path: string): string[] {
  return [
    "--connector-name=c",
    "--http-bind=127.0.0.1:0",
    "--turn-api-url=http://127.0.0.1:9",
    "--auth-token=token",
    `--turn-hmac-secret=${SECRET}`,
    "--default-from-addr=8110",
    "--amqp-url=memory:",
    "--message-cache-class=DenoKvMessageCache",
    `--message-cache-config-path=${path}`,
    "--log-level=DEBUG",
  ];
}

Deno.test("check says what a cache's server answers, and run does not start, without its token", async () => {
  await using server = new FakeKvServer({ metadata: 401, data: 401 });
  const check = await Program.fromSource().output(["check", ...flags(server.url)], ENV);
  assert.equal(check.code, 1);
  assert.match(check.stdout, /✗ all +cache \S+: its server (answered 401|refused)/);
  assert.ok(!check.stdout.includes("disk of the cache"), check.stdout);
  const run = await Program.fromSource().output(["run", ...flags(server.url)], ENV);
  assert.equal(run.code, 69);
  assert.match(
    run.stderr,
    /Cannot open the cache http.*: its server (answered 401|refused); check that/,
  );
  assert.deepEqual(new Set(server.asked), new Set([`Bearer ${TOKEN}`]));
  for (const text of [check.stdout, check.stderr, run.stdout, run.stderr]) {
    assert.ok(!text.includes("s3cr3t"), text);
  }
});

Deno.test("a cache's server without its token is told of", async () => {
  const { code, stderr } = await Program.fromSource().output([
    "run",
    ...flags("https://x.invalid/"),
  ]);
  assert.equal(code, 69);
  assert.match(stderr, /there is no token for its server; set the environment variable/);
});

Deno.test("while a cache's server fails Turn's requests get 503 in seconds, and SIGTERM ends it", async () => {
  await using server = new FakeKvServer({ data: 503 });
  await using running = await Program.fromSource().start(["run", ...flags(server.url)], ENV);
  const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
  const response = await send(`${running.address}/messages`, body, { secret: SECRET });
  assert.equal(response.status, 503, await response.text());
  assert.equal(await running.stop("SIGTERM"), 0);
  assert.ok(server.asked.includes("Bearer token-for-data"));
  assert.match(running.stderr(), /its server can't be reached, or does not answer/);
  const logged = running.stderr().split("\n").filter((line) => line.startsWith("{")).join("\n");
  assert.ok(!/s3cr3t|token-for-data/.test(logged), logged);
});

Deno.test("message_cache_config.path takes no URL with a password or a token in it", async () => {
  for (const path of ["https://u:s3cr3t@kv/", "https://kv/?token=s3cr3t", "https:///s3cr3t@"]) {
    const { code, stderr } = await Program.fromSource().output(["run", ...flags(path)]);
    assert.equal(code, 78, path);
    assert.match(stderr, /message_cache_config\.path/);
    assert.ok(!stderr.includes("s3cr3t"), stderr);
  }
});
