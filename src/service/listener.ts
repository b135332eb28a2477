// An address that is listened on, by `Deno.serve`. It has two traits that this file is for. When one
// accept fails, as it does without a file descriptor left, it gives the address up for good; Deno 2.6
// tells that nobody while any connection is open. And it closes no connection on which the client does
// nothing, or stops in the middle of a request, unless it is told to close all.

import { EXPIRED, isOutOfDescriptors, messageOf, within } from "../async/mod.ts";
import { type Config, formatBind } from "../config/mod.ts";

/** The address can't be listened on; the message says why and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

export type BindKey = "http_bind" | "admin_bind";

type Bind = Config["http_bind"];
type Handler = (request: Request) => Response | Promise<Response>;

/** How often it is tried whether connections are taken. */
const LOOK_MS = 1_000;
/** How long that may take. More says nothing: the machine may be busy. */
const KNOCK_MS = 1_000;

export class Listener {
  /** With the port that was free, if any was asked for. */
  readonly bind: Bind;
  readonly #server: Deno.HttpServer;
  readonly #closing: AbortController;
  readonly #connect: () => Promise<Deno.Conn>;
  readonly #ended: Promise<string>;

  private constructor(
    bind: Bind,
    server: Deno.HttpServer,
    closing: AbortController,
    connect: () => Promise<Deno.Conn>,
  ) {
    this.bind = bind;
    this.#server = server;
    this.#closing = closing;
    this.#connect = connect;
    this.#ended = server.finished.then(() => "it was closed", messageOf);
  }

  /** @throws {ListenError} If it can't listen. */
  static async open(key: BindKey, bind: Bind, handler: Handler): Promise<Listener> {
    const closing = new AbortController();
    const options = { signal: closing.signal, onListen: () => {} };
    try {
      if (bind.kind === "unix") {
        const { path } = bind;
        await removeStaleSocket(path);
        const server = Deno.serve({ ...options, path }, handler);
        const connect = () => Deno.connect({ transport: "unix", path });
        return new Listener(bind, server, closing, connect);
      }
      const server = Deno.serve({ ...options, hostname: bind.hostname, port: bind.port }, handler);
      const { hostname, port } = server.addr;
      const connect = () => Deno.connect({ hostname, port });
      return new Listener({ ...bind, port }, server, closing, connect);
    } catch (error) {
      const [, known] = REASONS.find(([kind]) => error instanceof kind) ?? [];
      const message = `Cannot listen on ${key} ${formatBind(bind)}: ${known ?? messageOf(error)}`;
      throw new ListenError(message, { cause: error });
    }
  }

  /** Resolves when no connection is taken any more, with the reason; undefined when `stop` fires. */
  async lost(stop: AbortSignal): Promise<string | undefined> {
    for (;;) {
      const ended = await within(this.#ended, LOOK_MS, stop);
      if (stop.aborted) return undefined;
      const reason = ended === EXPIRED ? await within(this.#knock(), KNOCK_MS) : ended;
      if (stop.aborted) return undefined;
      if (typeof reason === "string") return reason;
    }
  }

  /** Takes no new connections; resolves when those that are open have ended, which may be never. */
  shutDown(): Promise<void> {
    return this.#server.shutdown();
  }

  /** Closes all connections, whatever is being done on them. Not after {@linkcode shutDown}: it throws. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  /** Connects as anybody would; the reason if that shows that nobody can. */
  async #knock(): Promise<string | undefined> {
    try {
      (await this.#connect()).close();
    } catch (error) {
      // Not found is a socket in the file system that somebody has removed.
      const { ConnectionRefused, NotFound } = Deno.errors;
      const isAway = error instanceof ConnectionRefused || error instanceof NotFound;
      if (isAway || isOutOfDescriptors(error)) return messageOf(error);
    }
    return undefined;
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isSocket) {
      throw new TypeError(
        "there is a file that is not a socket; remove it, or choose another path",
      );
    }
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await Deno.remove(path);
    else if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const REASONS = [
  [
    Deno.errors.AddrInUse,
    "another program listens there already (is turn-channels running twice?)",
  ],
  [Deno.errors.AddrNotAvailable, "this machine has no such address; 0.0.0.0 means all that it has"],
  [
    Deno.errors.PermissionDenied,
    "the system does not allow it; ports below 1024 and other users' folders need rights",
  ],
] as const;
