/**
 * A bridge that runs as a program of its own, with its cache in a file, between a fake Turn and a
 * transport: it can be killed and started again, and commands can look at it while it runs.
 *
 * @module
 */

import { readSamples } from "../../src/telemetry/mod.ts";
import { freePort } from "./free_port.ts";
import { FakeTurn, send } from "./fake_turn.ts";
import { SECRET, TOKEN } from "./bridge.ts";
import { type Output, Program, type Running } from "./program.ts";
import { queueTypeFlags } from "./queues.ts";
import { amqpUrl } from "./rabbitmq.ts";
import { Transport } from "./transport.ts";
import { until } from "./until.ts";

/** Configuration, as flags without their dashes. */
export type Flags = Readonly<Record<string, string>>;

/**
 * How long messages wait in the one delay queue, in milliseconds, unless flags say otherwise. All
 * connectors share that queue, so each file with tests has one of its own.
 */
export const DELAY_MS = 300_000 + Math.floor(Math.random() * 500_000);

/** What Turn is answered. */
export interface LiveAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** Of the message, if it was taken. */
  readonly id: string | undefined;
}

/** A request of Turn's, without its signature. */
export function requestOf(text: string): unknown {
  return { to: "+26612345678", turn: { type: "text", text: { body: text } } };
}

/** Both sides of a bridge, and ways to start it. */
export class Live implements AsyncDisposable {
  /** Begins the names of its queues. */
  readonly connector: string;
  /** Where it listens. */
  readonly address: string;
  /** Turn's side. */
  readonly turn: FakeTurn;
  /** The operator's side. */
  readonly transport: Transport;
  /** For its files; removed in the end. */
  readonly folder: string;
  readonly #flags: Flags;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: AsyncDisposableStack,
    turn: FakeTurn,
    transport: Transport,
    { connector, folder, flags }: { connector: string; folder: string; flags: Flags },
  ) {
    const bind = `127.0.0.1:${freePort()}`;
    this.#parts = parts;
    this.turn = turn;
    this.transport = transport;
    this.connector = connector;
    this.folder = folder;
    this.address = `http://${bind}`;
    this.#flags = {
      "connector-name": connector,
      "http-bind": bind,
      "turn-api-url": turn.url,
      "auth-token": TOKEN,
      "turn-hmac-secret": SECRET,
      "default-from-addr": "8110",
      "amqp-url": amqpUrl(),
      "message-cache-class": "DenoKvMessageCache",
      "message-cache-config-path": `${folder}/cache.kv`,
      "retry-schedule": `${DELAY_MS / 1000}`,
      "retry-delay-base": "0",
      ...queueTypeFlags(),
      ...flags,
    };
  }

  /** Makes both sides. Nothing runs yet. */
  static async prepare(flags: Flags = {}): Promise<Live> {
    await using parts = new AsyncDisposableStack();
    const connector = `test-${crypto.randomUUID()}`;
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-live-" });
    parts.defer(() => Deno.remove(folder, { recursive: true }));
    const turn = parts.use(FakeTurn.start({ authToken: TOKEN }));
    const transport = parts.use(await Transport.connect(connector));
    parts.defer(() => transport.deleteDelay(DELAY_MS));
    return new Live(parts.move(), turn, transport, { connector, folder, flags });
  }

  /**
   * Starts it, with `flags` over the others. Resolves when it is in health and speaks for the channel: what
   * it takes before that it has to hold, and an SMS that comes out of there just as it is killed goes twice.
   */
  async start(flags: Flags = {}): Promise<Running> {
    const running = await this.program(flags);
    await until("health, and to speak for the channel", async () => {
      const { status, text } = await this.health();
      return status === 200 && JSON.parse(text).components.amqp.speaks === true;
    });
    return running;
  }

  /** The same; resolves as soon as it listens, whatever it has reached by then. */
  program(flags: Flags = {}): Promise<Running> {
    return Program.fromSource().start(["run", ...this.args(flags)]);
  }

  /** Runs a command to its end, `more` behind the configuration's flags. */
  command(name: readonly string[], more: readonly string[] = []): Promise<Output> {
    return Program.fromSource().output([...name, ...this.args(), ...more]);
  }

  /** The configuration's flags, `flags` over the others. */
  args(flags: Flags = {}): string[] {
    return Object.entries({ ...this.#flags, ...flags }).map(([flag, value]) =>
      `--${flag}=${value}`
    );
  }

  /** What it says of itself; status 0 if it does not answer. */
  async health(): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`${this.address}/health`);
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: "" };
    }
  }

  /** Sends what Turn would, to be sent to a user. */
  async send(text: string): Promise<LiveAnswer> {
    const url = `${this.address}/messages`;
    const response = await send(url, requestOf(text), { secret: SECRET });
    const { status, headers } = response;
    return {
      status,
      retryAfter: headers.get("retry-after"),
      id: (await response.json()).messages?.[0].id,
    };
  }

  /** Resolves when so many messages are in `<connector>.<end>`, those in work not counted. */
  async waiting(end: string, count: number): Promise<void> {
    await until(`${count} on .${end}`, async () => await this.transport.depth(end) === count);
  }

  /** How many messages are in `<connector>.<end>`, when nobody has any in hand: it was killed. */
  async back(end: string): Promise<number> {
    await until(`nobody to consume .${end}`, async () => await this.transport.consumers(end) === 0);
    return await this.transport.depth(end);
  }

  /**
   * How many of a flow have come to their end in the program that runs now. That Turn has been told of
   * all is less: what is told twice may be in hand still, and is put back by a stop.
   */
  async ends(flow: string): Promise<number> {
    const response = await fetch(`${this.address}/metrics`);
    return readSamples(await response.text(), "turn_channels_messages_total")
      .reduce((sum, { labels, value }) => labels["flow"] === flow ? sum + value : sum, 0);
  }

  /** The ids of the users' messages that Turn was called about, in order. */
  told(): readonly string[] {
    return this.turn.calls.filter(({ path }) => path === "/messages").map(({ body }) => idIn(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** The id of the message in a call to Turn. */
export function idIn(body: unknown): string {
  // The fake Turn has looked at its form.
  return (body as { message: { id: string } }).message.id;
}
