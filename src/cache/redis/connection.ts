// The one connection to Redis: kept up for ever, with a limit of time for all that is asked.
// Nothing waits in a queue while there is no connection, and nothing is sent twice: who asked is
// told at once, and decides. A server that is not, or no longer, the primary is let go of: the same
// address, or the Sentinels, lead to another one by then.

import { getLogger } from "@logtape/logtape";
import { Redis } from "ioredis";
import { Backoff, within } from "../../async/mod.ts";
import { CacheError } from "../store.ts";
import {
  describeRedisFault,
  describeSentinelFault,
  isNotPrimary,
  parseRedisUrl,
  type RedisAddress,
  REPLICA,
  type SentinelLogin,
} from "./address.ts";

const log = getLogger(["turn-channels", "cache"]);

export interface RedisConnectionOptions {
  readonly url: string;
  /** For an address with Sentinel. */
  readonly sentinel?: SentinelLogin;
  readonly timeoutMs: number;
}

/** A command, in lower case, and its arguments. */
export type RedisCommand = readonly [name: string, ...args: readonly (string | number)[]];

/**
 * Comes before a command, with a place and a text: it is not done if its key has a row, as JSON, with a
 * greater text at that place, from 0.
 */
export const UNLESS_GREATER = "unless_greater";

/**
 * Each command follows the number of its words. As one command this takes a fifth of the processor
 * time that the same takes as a transaction, where each is a command of its own to ioredis.
 */
const RUN_ALL = `
  local function isGreater(place, text, key)
    local isRow, row = pcall(cjson.decode, redis.call('get', key) or '')
    local kept = isRow and type(row) == 'table' and row[place + 1]
    return type(kept) == 'string' and kept > text
  end
  local answers, at = {}, 1
  while at <= #ARGV do
    local first, last = at + 1, at + ARGV[at]
    local isLeft = false
    if ARGV[first] == '${UNLESS_GREATER}' then
      isLeft = isGreater(ARGV[first + 1], ARGV[first + 2], ARGV[first + 4])
      first = first + 3
    end
    answers[#answers + 1] = not isLeft and redis.call(unpack(ARGV, first, last))
    at = last + 1
  end
  return answers`;

/** How long opening waits for the connection, in milliseconds: as for an answer, within these. */
const [LEAST_OPEN_MS, MOST_OPEN_MS] = [3_000, 10_000];

/** A connection that lasted so long, in milliseconds, is made again at once; others less and less often. */
const LASTED_MS = 5000;

/** A connection that comes back; see the head of this file. */
export class RedisConnection implements AsyncDisposable {
  readonly #address: RedisAddress;
  readonly #timeoutMs: number;
  readonly #redis: Redis;
  /** Whether a primary is connected; undefined until the first attempt has ended. */
  #connected: boolean | undefined;
  /** Why there is no connection. */
  #reason = "it is not connected yet";
  /** What kept Sentinels from leading to the primary in this attempt. */
  readonly #sentinelFaults = new Set<string>();
  /** When the connection was made. */
  #since: number | undefined;
  /** Whether it is being let go of. */
  #isLeaving = false;
  readonly #backoff = new Backoff({ initialDelayMs: 100, maxDelayMs: 2000 });
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(options: RedisConnectionOptions, attempted: () => void) {
    const { url, sentinel, timeoutMs } = options;
    this.#address = parseRedisUrl(url, sentinel);
    this.#timeoutMs = timeoutMs;
    this.#redis = new Redis({
      ...this.#address.connect,
      ...LIMITS,
      commandTimeout: timeoutMs,
      // So that what a silent server is sent does not pile up: the connection is made anew.
      socketTimeout: timeoutMs,
      sentinelCommandTimeout: timeoutMs,
    });
    this.#redis.on("connect", () => this.#reason = NOT_READY);
    this.#redis.on("sentinelError", (error: Error) => this.#failAtSentinel(error));
    this.#redis.on("error", (error: Error) => this.#fail(error));
    this.#redis.on("end", () => this.#down());
    this.#work = this.#stayConnected(attempted);
  }

  /**
   * Connects, and goes on trying if that fails. Resolves after the first attempt, or when that takes
   * too long.
   * @throws {TypeError} If the address can't be read.
   */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const attempted = Promise.withResolvers<void>();
    const connection = new RedisConnection(options, attempted.resolve);
    const longest = Math.min(Math.max(options.timeoutMs, LEAST_OPEN_MS), MOST_OPEN_MS);
    await within(attempted.promise, longest);
    return connection;
  }

  /** Sends one command. See {@linkcode RedisConnection.sendAll}. */
  async send(action: string, [name, ...args]: RedisCommand): Promise<unknown> {
    try {
      if (!this.#connected) throw new Error("Connection is closed.");
      return await this.#redis.call(name, ...args);
    } catch (error) {
      const explained = this.#explain(action, error);
      if (isNotPrimary(error)) this.#leave(this.#describe(error));
      throw explained;
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
    const isPlain = commands.length === 1 && first?.[0] !== UNLESS_GREATER;
    if (first !== undefined && isPlain) return [await this.send(action, first)];
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
      this.#sentinelFaults.clear();
      // Why it fails comes as an event, too.
      const isReady = await this.#redis.connect().then(() => true, () => false);
      if (isReady) await this.#greet();
      attempted();
      await ended;
      if (performance.now() - (this.#since ?? Infinity) > LASTED_MS) this.#backoff.reset();
      this.#since = undefined;
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

  /** Asks the server what it is: a replica may know less than its primary, so it is not read either. */
  async #greet(): Promise<void> {
    this.#since = performance.now();
    this.#isLeaving = false;
    // Who may not ask gets no answer, and finds it out by the first write.
    const info = await this.#redis.info("replication").catch(() => "");
    if (/^role:slave/m.test(info)) return this.#leave(REPLICA);
    if (this.#redis.status !== "ready") return;
    this.#connected = true;
    this.#reason = "the connection ended";
    const { remoteAddress, remotePort } = this.#redis.stream;
    const values = { host: this.#address.host, server: `${remoteAddress}:${remotePort}` };
    log.info("Connected to Redis at {host}", values);
  }

  /** Ends the connection, so that it is made anew. */
  #leave(reason: string): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#reason = reason;
    this.#redis.disconnect(true);
  }

  #failAtSentinel(error: Error): void {
    this.#sentinelFaults.add(describeSentinelFault(error, this.#address));
    this.#reason = [...this.#sentinelFaults].join("; ");
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
const NO_CONNECTION =
  /^(Stream isn't writeable|Connection is closed|Command aborted|All sentinels are unreachable)/;

/** Why there is no connection between the greeting and the server's word that it is ready. */
const NOT_READY = "the server is not ready: it loads its data, or is not the primary";

const LIMITS = {
  lazyConnect: true,
  connectionName: "turn-channels",
  disableClientInfo: true,
  // The newer protocol has nothing that is needed here, and older servers lack it.
  protocol: 2,
  connectTimeout: 3000,
  // Longest that a server may take to let go of a connection that is closed.
  disconnectTimeout: 500,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: null, // See #stayConnected().
  /** How often it is asked whether it has loaded its data, in milliseconds. */
  maxLoadingRetryTime: 500,
  // The next attempt begins behind the Sentinel that was asked last, and goes on with the first one.
  sentinelRetryStrategy: (round: number) => round === 1 ? 0 : null,
  // Those that are configured, as the addresses that Sentinels tell of each other may be inner ones.
  updateSentinels: false,
} as const;
