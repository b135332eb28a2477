// The one connection to Redis: kept up for ever, with a limit of time for all that is asked.
// Nothing waits in a queue while there is no connection, and nothing is sent twice: who asked is
// told at once, and decides.

import { getLogger } from "@logtape/logtape";
import { Redis } from "ioredis";
import { Backoff, within } from "../../async/mod.ts";
import { CacheError } from "../store.ts";
import { describeRedisFault, parseRedisUrl, type RedisAddress } from "./address.ts";

const log = getLogger(["turn-channels", "cache"]);

export interface RedisConnectionOptions {
  readonly url: string;
  readonly timeoutMs: number;
}

/** A command, in lower case, and its arguments. */
export type RedisCommand = readonly [name: string, ...args: readonly (string | number)[]];

/**
 * Each command follows the number of its words. As one command this takes a fifth of the processor
 * time that the same takes as a transaction, where each is a command of its own to ioredis.
 */
const RUN_ALL = `
  local answers, at = {}, 1
  while at <= #ARGV do
    local last = at + ARGV[at]
    answers[#answers + 1] = redis.call(unpack(ARGV, at + 1, last))
    at = last + 1
  end
  return answers`;

/** Longest that opening waits for the connection, in milliseconds. */
const OPEN_MS = 3000;

/** A connection that comes back; see the head of this file. */
export class RedisConnection implements AsyncDisposable {
  readonly #address: RedisAddress;
  readonly #timeoutMs: number;
  readonly #redis: Redis;
  /** Undefined until the first attempt has ended. */
  #connected: boolean | undefined;
  /** Why there is no connection. */
  #reason = "it is not connected yet";
  readonly #backoff = new Backoff({ initialDelayMs: 100, maxDelayMs: 2000 });
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor({ url, timeoutMs }: RedisConnectionOptions, attempted: () => void) {
    this.#address = parseRedisUrl(url);
    this.#timeoutMs = timeoutMs;
    this.#redis = new Redis({
      ...this.#address.connect,
      ...LIMITS,
      commandTimeout: timeoutMs,
      // So that what a silent server is sent does not pile up: the connection is made anew.
      socketTimeout: timeoutMs,
    });
    this.#redis.on("ready", () => this.#up());
    this.#redis.on("error", (error: Error) => this.#fail(error));
    this.#redis.on("end", () => this.#down());
    this.#work = this.#stayConnected(attempted);
  }

  /**
   * Connects, and goes on trying if that fails. Resolves after the first attempt, and after 3
   * seconds at the latest.
   * @throws {TypeError} If the address can't be read.
   */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const attempted = Promise.withResolvers<void>();
    const connection = new RedisConnection(options, attempted.resolve);
    await within(attempted.promise, OPEN_MS);
    return connection;
  }

  /** Sends one command. See {@linkcode RedisConnection.sendAll}. */
  async send(action: string, [name, ...args]: RedisCommand): Promise<unknown> {
    try {
      return await this.#redis.call(name, ...args);
    } catch (error) {
      throw this.#explain(action, error);
    }
  }

  /**
   * Sends commands that are done together, with none of others between them, in one round trip; if
   * the server has no room, none is. Returns their answers, in order.
   * @param action What for, in the message of the error: `read`, `write to`.
   * @throws {CacheError} If they are refused, or there is no answer: then they may be done or not.
   */
  async sendAll(action: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const [first] = commands;
    if (first !== undefined && commands.length === 1) return [await this.send(action, first)];
    const words = commands.flatMap((command) => [command.length, ...command]);
    const answers = await this.send(action, ["eval", RUN_ALL, 0, ...words]);
    return Array.isArray(answers) ? answers : [];
  }

  /** Takes no more, waits for what is under way, and ends the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    // Answered after all that was sent before it. Where it can't be sent nothing is under way.
    const quit = await this.#redis.quit().catch(() => undefined);
    if (quit === undefined && this.#redis.status !== "end") this.#redis.disconnect();
    await this.#work;
  }

  /** Not ioredis's own way, which does not say that it has ended when closed between two attempts. */
  async #stayConnected(attempted: () => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const ended = new Promise<void>((resolve) => this.#redis.once("end", () => resolve()));
      // Why it fails comes as an event, too.
      await this.#redis.connect().catch(() => {});
      attempted();
      await ended;
      await this.#backoff.pause(signal);
    }
  }

  /** Without the cause: ioredis keeps the command in its errors, with all that it is about. */
  #explain(action: string, error: unknown): CacheError {
    const isAway = error instanceof Error && NO_CONNECTION.test(error.message);
    const reason = isAway ? `there is no connection: ${this.#reason}` : this.#describe(error);
    return new CacheError(
      `Cannot ${action} the cache on Redis at ${this.#address.host}: ${reason}`,
    );
  }

  #describe(error: unknown): string {
    const isLate = error instanceof Error && error.message === "Command timed out";
    if (isLate) return `no answer within ${this.#timeoutMs} ms`;
    return describeRedisFault(error, this.#address);
  }

  #up(): void {
    this.#connected = true;
    this.#backoff.reset();
    this.#reason = "the connection ended";
    log.info("Connected to Redis at {host}", { host: this.#address.host });
  }

  #fail(error: Error): void {
    // What was said first is why, the rest follows from it.
    if (NO_CONNECTION.test(error.message)) return;
    this.#reason = this.#describe(error);
    // ioredis would go on in another database.
    if (this.#reason.includes("DB index")) this.#redis.disconnect(true);
  }

  #down(): void {
    const before = this.#connected;
    this.#connected = false;
    if (this.#closing !== undefined) return;
    const values = { host: this.#address.host, reason: this.#reason };
    if (before) log.warn("Connection to Redis at {host} lost: {reason}", values);
    else if (before === undefined) log.warn("Cannot connect to Redis at {host}: {reason}", values);
    else log.debug("Still no connection to Redis at {host}: {reason}", values);
  }
}

/** ioredis's words for what follows from a lost connection; why it is lost its events say. */
const NO_CONNECTION = /^(Stream isn't writeable|Connection is closed|Command aborted)/;

const LIMITS = {
  lazyConnect: true,
  connectionName: "turn-channels",
  disableClientInfo: true,
  // The newer protocol has nothing that is needed here, and older servers lack it.
  protocol: 2,
  connectTimeout: 5000,
  // Longest that a server may take to let go of a connection that is closed.
  disconnectTimeout: 500,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: null, // See #stayConnected().
} as const;
