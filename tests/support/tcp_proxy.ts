/**
 * A TCP proxy on 127.0.0.1 for fault tests: it can cut connections, refuse them, silence them, and
 * stall.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Where a {@linkcode TcpProxy} forwards to. */
export interface TcpProxyOptions {
  /** The target's host, 127.0.0.1 by default. */
  readonly hostname?: string;
  /** The target's port. */
  readonly port: number;
}

/** Who is connected by a proxy: who has called, or whom it forwards to. */
export type Side = "client" | "target";

/** At which text {@linkcode TcpProxy.stallOn} stalls. */
export interface StallOptions {
  /** Only on its way to this side. */
  readonly to?: Side;
  /** Only when this text has been forwarded to the target before. */
  readonly after?: string;
}

interface Trigger extends StallOptions {
  readonly text: string;
}

/** A running proxy. */
export class TcpProxy implements AsyncDisposable {
  /** Where it listens; the same after {@linkcode refuse} and {@linkcode accept}. */
  readonly port: number;
  /** How many connections it has accepted. */
  accepted = 0;
  #target: Required<TcpProxyOptions>;
  readonly #sockets = new Set<Deno.TcpConn>();
  readonly #silent = new WeakSet<Deno.TcpConn>();
  readonly #work = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;
  #accepting = Promise.resolve();
  #trigger: Trigger | undefined;
  #isStalled = false;
  #flowing = Promise.withResolvers<void>();

  private constructor(target: TcpProxyOptions) {
    this.#target = { hostname: "127.0.0.1", ...target };
    this.#flowing.resolve();
    this.port = this.#listen(0);
  }

  /** Starts a proxy that accepts and forwards. */
  static start(target: TcpProxyOptions): TcpProxy {
    return new TcpProxy(target);
  }

  /** How many sockets are open: two for each connection that has reached the target. */
  get sockets(): number {
    return this.#sockets.size;
  }

  /** How many of them have been silenced. */
  get silenced(): number {
    return [...this.#sockets].filter((socket) => this.#silent.has(socket)).length;
  }

  /** Ends all connections there are, at once and without a word. */
  cut(): void {
    for (const socket of this.#sockets) close(socket);
    this.#sockets.clear();
  }

  /** From now on the connections there are carry nothing, and stay; new ones work. */
  silence(): void {
    for (const socket of this.#sockets) this.#silent.add(socket);
  }

  /** From now on new connections are refused, for sure when it resolves; those there are stay. */
  async refuse(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    // The port is open until the last call to accept has returned.
    await this.#accepting;
  }

  /** Ends {@linkcode refuse}. */
  async accept(): Promise<void> {
    if (this.#listener) return;
    await this.#accepting;
    this.#listen(this.port);
  }

  /** From now on new connections are forwarded to this port; those there are stay. */
  redirect(port: number): void {
    this.#target = { ...this.#target, port };
  }

  /** From now on nothing is forwarded, in neither direction; connections stay and are accepted. */
  stall(): void {
    if (this.#isStalled) return; // What is held back is not let go of.
    this.#isStalled = true;
    this.#flowing = Promise.withResolvers();
  }

  /** Whether it stalls now. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Stalls as soon as this text is to be forwarded, before it is. */
  stallOn(text: string, options: StallOptions = {}): void {
    this.#trigger = { text, ...options };
  }

  /** Ends {@linkcode stall}: what has come meanwhile is forwarded. */
  resume(): void {
    this.#trigger = undefined;
    this.#isStalled = false;
    this.#flowing.resolve();
  }

  /** Ends all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.cut();
    this.resume();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #listen(port: number): number {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#listener = listener;
    this.#accepting = this.#acceptAll(listener);
    return listener.addr.port;
  }

  async #acceptAll(listener: Deno.TcpListener): Promise<void> {
    for await (const client of listener) this.#track(this.#serve(client));
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.accepted++;
    this.#sockets.add(client);
    const server = await Deno.connect(this.#target).catch(() => undefined);
    if (!server || !this.#sockets.has(client)) {
      server?.close();
      return close(client);
    }
    this.#sockets.add(server);
    for (const socket of [client, server]) socket.setNoDelay(); // It is to take no time of its own.
    await Promise.all([this.#pump(client, server, "target"), this.#pump(server, client, "client")]);
    this.#sockets.delete(client);
    this.#sockets.delete(server);
  }

  /** Forwards until one side ends, and then ends both. */
  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, side: Side): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
        if (this.#silent.has(from)) continue;
        if (this.#isTriggered(buffer.subarray(0, size), side)) this.stall();
        await this.#flowing.promise;
        for (let sent = 0; sent < size;) sent += await to.write(buffer.subarray(sent, size));
      }
    } catch {
      // Cut, or reset by a side: both are ended below.
    }
    close(from);
    close(to);
  }

  #isTriggered(bytes: Uint8Array, side: Side): boolean {
    if (this.#trigger === undefined) return false;
    const { text, to = side, after } = this.#trigger;
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (after === undefined) return to === side && content.includes(text);
    if (side === "target" && content.includes(after)) this.#trigger = { text, to };
    return false;
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    work.finally(() => this.#work.delete(work));
  }
}

function close(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // It has been closed already.
  }
}
