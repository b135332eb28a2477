/**
 * The whole bridge in this process, between a real RabbitMQ and a fake Turn, with a transport at the
 * operators' end. What it is configured with goes through the configuration's own door.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Service, startService } from "../../src/service/service.ts";
import { type Config, loadConfig } from "../../src/config/mod.ts";
import { FakeTurn } from "./fake_turn.ts";
import { sign } from "../../src/turn/mod.ts";
import { queueTypeFlags } from "./queues.ts";
import { amqpUrl } from "./rabbitmq.ts";
import { Transport } from "./transport.ts";
import { until } from "./until.ts";

/** The secret that Turn's requests are signed with. */
export const SECRET = "hmac-secret-of-the-tests";
/** The token that Turn asks for. */
export const TOKEN = "token-of-the-tests";

/** An answer of the bridge's. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- JSON of many shapes, which the assertions look into.
  readonly body: any;
}

/** A bridge under test, with both its sides. */
export class TestBridge implements AsyncDisposable {
  readonly connector: string;
  readonly turn: FakeTurn;
  readonly transport: Transport;
  readonly service: Service;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    connector: string,
    turn: FakeTurn,
    transport: Transport,
    service: Service,
    parts: AsyncDisposableStack,
  ) {
    this.connector = connector;
    this.turn = turn;
    this.transport = transport;
    this.service = service;
    this.#parts = parts;
  }

  /** Starts it, with `flags` over the configuration. Waits until it consumes, unless told not to. */
  static async start(flags: Record<string, string> = {}, wait = true): Promise<TestBridge> {
    await using parts = new AsyncDisposableStack();
    const connector = `test-${crypto.randomUUID()}`;
    const turn = parts.use(FakeTurn.start({ authToken: TOKEN }));
    const transport = parts.use(await Transport.connect(connector));
    const service = parts.use(await startService(await testConfig(connector, turn.url, flags)));
    const bridge = new TestBridge(connector, turn, transport, service, parts.move());
    if (wait) await bridge.consuming();
    return bridge;
  }

  /** Resolves when the bridge consumes both its queues, and can publish. */
  async consuming(): Promise<void> {
    await until("health", async () => (await this.request("/health")).status === 200);
    await this.transport.consumed("inbound");
    await this.transport.consumed("event");
  }

  /** POSTs to `/messages` as Turn does: signed. */
  async send(body: unknown, init: RequestInit = {}): Promise<Answer> {
    const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
    return await this.request("/messages", {
      method: "POST",
      body: bytes,
      ...init,
      headers: {
        "Content-Type": "application/json",
        "X-Turn-Hook-Signature": sign(SECRET, bytes),
        ...init.headers,
      },
    });
  }

  /** Any request. */
  async request(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.service.address}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    const body = isJson ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body };
  }

  /** The metrics; the label that all of the channel's have is left out. */
  async metrics(): Promise<string> {
    const { body } = await this.request("/metrics");
    const label = `connector="${this.connector}"`;
    return body.replaceAll(`,${label}`, "").replaceAll(`{${label}}`, "");
  }

  /** Resolves when the metrics, without that label, have a line that ends like this. */
  async counted(end: string): Promise<void> {
    await until(end, async () => (await this.metrics()).includes(`${end}\n`));
  }

  /** Stops it at once: what is in work is left. */
  async stop(): Promise<void> {
    await this.service.drain(AbortSignal.abort());
    await this.service[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** A whole configuration for a connector, `flags` over it. */
export async function testConfig(
  connector: string,
  turnUrl: string,
  flags: Record<string, string> = {},
): Promise<Config> {
  const loaded = await loadConfig({
    flags: {
      "connector-name": connector,
      "http-bind": "127.0.0.1:0",
      "turn-api-url": turnUrl,
      "auth-token": TOKEN,
      "turn-hmac-secret": SECRET,
      "default-from-addr": "8110",
      "amqp-url": amqpUrl(),
      "retry-delay-base": "0",
      ...queueTypeFlags(),
      ...flags,
    },
    env: {},
  });
  assert.equal(loaded.kind, "ok", JSON.stringify(loaded));
  assert.ok(loaded.kind === "ok");
  return loaded.config;
}
