// One connection to RabbitMQ that comes back for ever. Its owner's `setup` makes what lives on it each
// time, before anyone sees the connection. Of several addresses, which are one cluster, any that can be
// reached is taken.
//
// amqplib has a recovery of its own. It is not used: after a failed setup it waits for a
// close-handshake that a dying server never finishes, and so for ever, and closing it does not end
// an attempt that is under way.

import { type ChannelModel, connect } from "amqplib";
import {
  type AmqpAddress,
  connectFault,
  describeFault,
  LOGIN_REFUSED,
  socketOptions,
} from "./address.ts";
import { installCodec, writeTogether } from "./amqplib_internals.ts";
import { Backoff, type BackoffOptions, within } from "../../async/mod.ts";
import { log } from "../log.ts";
import { PublishError } from "../mod.ts";

/** A connection that ended sooner than this counts as a failed attempt, and is waited for longer. */
const STABLE_MS = 1000;
/** How long an address that failed comes after all others. */
const AVOID_MS = 60_000;
/** How long closing waits for the server's answer. */
export const CLOSE_TIMEOUT_MS = 2000;

export interface AmqpConnectionOptions extends BackoffOptions {
  /** The server, or the nodes of a cluster; at least one. */
  readonly addresses: readonly AmqpAddress[];
  readonly name: string;
  /** When it rejects the connection is given up. */
  setup(model: ChannelModel): Promise<void>;
  /** Called when the server blocks publishing, and when it is over, also with the connection. */
  onBlocked?(blocked: boolean): void;
}

/** A connection that is restored until it is closed. */
export class AmqpConnection {
  readonly #options: AmqpConnectionOptions;
  readonly #closing = new AbortController();
  readonly closing: AbortSignal = this.#closing.signal;
  /** Undefined while there is none. */
  current: ChannelModel | undefined;
  blocked = false;
  #up = Promise.withResolvers<ChannelModel>();
  /** Resolves, and is replaced, when an attempt to connect has ended, well or not. */
  #attempt = Promise.withResolvers<void>();
  /** Destroys the socket of the connection, or of the attempt, there is. */
  #socket = new AbortController();
  #running: Promise<void> | undefined;
  /** Why there is no connection to each host that was tried since there was one. */
  readonly #reported = new Map<string, string>();
  /** By the clock of `performance`, as are times below. */
  #awaySince = performance.now();
  readonly #failedAt = new Map<AmqpAddress, number>();
  /** Whether the address is not to blame for the end of the connection there is. */
  #isFine = false;

  constructor(options: AmqpConnectionOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.current !== undefined;
  }

  /** Why there is no connection, as far as it is known; undefined if there is one. */
  get reason(): string | undefined {
    if (this.current || this.#reported.size === 0) return undefined;
    return [...new Set(this.#reported.values())].join("; ");
  }

  /** How long there has been no connection, in milliseconds; 0 while there is one. */
  get awayMs(): number {
    return this.current ? 0 : performance.now() - this.#awaySince;
  }

  start(): void {
    if (!this.#running) this.#awaySince = performance.now();
    this.#running ??= this.#run();
  }

  /** The connection, as soon as it is up; when it is closed before, that is never. */
  model(): Promise<ChannelModel> {
    return this.#up.promise;
  }

  /**
   * @throws {PublishError} If it is not up within `timeoutMs`, with the last reason; at once if the
   * login is refused, or when it is closed.
   */
  async connected(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!this.current) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) throw this.#unreachable(`no answer within ${timeoutMs / 1000} seconds`);
      if (this.#isHopeless()) throw this.#unreachable("it is closed");
      await within(this.#attempt.promise, leftMs);
    }
  }

  /** Gives the connection up for a new one, which may be to the same address if that `isFine`. */
  reset(reason: string, { isFine = false } = {}): void {
    this.#isFine = isFine;
    this.#socket.abort(new Error(reason));
  }

  /** Closes the connection within seconds, even if the server does not answer. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#endAttempt();
    if (!this.current) this.reset("closing");
    // It rejects if the connection has just ended; with a server that is silent it never settles.
    this.current?.close().catch(() => {});
    const timer = setTimeout(() => this.reset("closing"), CLOSE_TIMEOUT_MS);
    await this.#running;
    clearTimeout(timer);
  }

  #isHopeless(): boolean {
    if (this.closing.aborted) return true;
    return this.#options.addresses.every(({ host }) => this.#reported.get(host) === LOGIN_REFUSED);
  }

  #unreachable(otherwise: string): PublishError {
    const hosts = new Set(this.#options.addresses.map(({ host }) => host));
    const reasons = [...hosts].map((host) =>
      `at ${host}: ${this.#reported.get(host) ?? otherwise}`
    );
    return new PublishError("unavailable", `Cannot connect to RabbitMQ ${reasons.join("; ")}`);
  }

  /** Tries one address after the other until one was up, pauses, and begins again. */
  async #run(): Promise<void> {
    const closing = this.closing;
    const backoff = new Backoff(this.#options);
    while (!closing.aborted) {
      for (const address of this.#inOrder()) {
        const upMs = await this.#session(address);
        if (upMs !== undefined && upMs >= STABLE_MS) backoff.reset();
        if (upMs !== undefined || closing.aborted) break;
      }
      await backoff.pause(closing);
    }
  }

  /** The addresses in the order of trying. What failed lately comes last: if frozen, it takes long to tell. */
  #inOrder(): readonly AmqpAddress[] {
    const lately = performance.now() - AVOID_MS;
    return this.#options.addresses
      .map((address) => {
        const failedAt = this.#failedAt.get(address) ?? -Infinity;
        return { address, at: failedAt > lately ? failedAt : lately - Math.random() };
      })
      .sort((a, b) => a.at - b.at)
      .map(({ address }) => address);
  }

  /** Connects, and stays until the connection ends. Returns how long it was up, if it was at all. */
  async #session(address: AmqpAddress): Promise<number | undefined> {
    const { name, setup } = this.#options;
    const { signal } = this.#socket = new AbortController();
    let upAt: number | undefined;
    try {
      const model = await connect(address.connect, socketOptions(name, address, signal));
      writeTogether(model);
      installCodec(model);
      const ended = Promise.withResolvers<never>();
      // What it says comes again with `close`; but without a listener it would be thrown.
      model.on("error", () => {});
      model.on("close", (error) => ended.reject(error));
      model.on("blocked", (reason) => this.#setBlocked(true, reason));
      model.on("unblocked", () => this.#setBlocked(false));
      await Promise.race([setup(model), ended.promise]);
      this.#setUp(model, address);
      upAt = performance.now();
      await ended.promise;
    } catch (error) {
      const isHandshake = upAt === undefined && !signal.aborted;
      const reason = isHandshake
        ? await connectFault(error, address, signal)
        : describeFault(signal.aborted ? signal.reason : error, address);
      this.#setDown(address, reason);
    } finally {
      // Also when amqplib has closed it: without the server's part it would linger half-closed.
      this.#socket.abort();
    }
    return upAt === undefined ? undefined : performance.now() - upAt;
  }

  #setUp(model: ChannelModel, { host }: AmqpAddress): void {
    this.current = model;
    this.#reported.clear();
    this.#up.resolve(model);
    this.#endAttempt();
    const values = { host, connection: this.#options.name };
    log.info("Connected to RabbitMQ at {host} ({connection})", values);
  }

  /** Reports each reason once, not at each attempt. */
  #setDown(address: AmqpAddress, reason: string): void {
    const { host } = address;
    const { name, onBlocked } = this.#options;
    const wasUp = this.current !== undefined;
    if (!this.#isFine) this.#failedAt.set(address, performance.now());
    this.#isFine = false;
    this.current = undefined;
    this.blocked = false;
    onBlocked?.(false);
    if (wasUp) {
      this.#up = Promise.withResolvers();
      this.#awaySince = performance.now();
    }
    if (!this.closing.aborted) {
      const values = { host, connection: name, reason };
      if (wasUp) log.warn("Connection to RabbitMQ at {host} lost ({connection}): {reason}", values);
      else if (reason === this.#reported.get(host)) {
        log.debug("Still no connection to RabbitMQ at {host} ({connection}): {reason}", values);
      } else log.warn("Cannot connect to RabbitMQ at {host} ({connection}): {reason}", values);
      this.#reported.set(host, reason);
    }
    this.#endAttempt();
  }

  #endAttempt(): void {
    this.#attempt.resolve();
    this.#attempt = Promise.withResolvers();
  }

  #setBlocked(blocked: boolean, reason?: string): void {
    this.blocked = blocked;
    this.#options.onBlocked?.(blocked);
    const values = { connection: this.#options.name, reason };
    if (blocked) {
      log.warn("RabbitMQ takes no messages until its alarm ends ({connection}): {reason}", values);
    } else log.info("RabbitMQ takes messages again ({connection})", values);
  }
}
