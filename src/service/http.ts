// An HTTP server at an address of the configuration; what it answers is routes.ts's.

import type { Hono } from "hono";
import { within } from "../async/mod.ts";
import { type Config, formatBind } from "../config/mod.ts";

/** The address can't be listened on; the message says why and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** How long connections may take to end after the deadline. */
const LINGER_MS = 1_000;

export class HttpServer implements AsyncDisposable {
  /** A URL, or `unix:/path`. */
  readonly address: string;
  readonly #server: Deno.HttpServer;
  #ended: Promise<void> | undefined;

  private constructor(address: string, server: Deno.HttpServer) {
    this.address = address;
    this.#server = server;
  }

  /** @throws {ListenError} If it can't listen. */
  static async listen(
    key: "http_bind" | "admin_bind",
    bind: Config["http_bind"],
    app: Hono,
  ): Promise<HttpServer> {
    const handler = (request: Request): Response | Promise<Response> => app.fetch(request);
    const onListen = (): void => {};
    try {
      if (bind.kind === "unix") {
        await removeStaleSocket(bind.path);
        const server = Deno.serve({ path: bind.path, onListen }, handler);
        return new HttpServer(`unix:${bind.path}`, server);
      }
      const { hostname, port } = bind;
      const server = Deno.serve({ hostname, port, onListen }, handler);
      const address = formatBind({ ...bind, port: server.addr.port });
      return new HttpServer(`http://${address}`, server);
    } catch (error) {
      const [, known] = REASONS.find(([kind]) => error instanceof kind) ?? [];
      const reason = known ?? (error instanceof Error ? error.message : String(error));
      const message = `Cannot listen on ${key} ${formatBind(bind)}: ${reason}`;
      throw new ListenError(message, { cause: error });
    }
  }

  /**
   * Takes no new requests and answers those that came, until `deadline` fires. What is open then ends
   * with the broker or the process: a server of Deno's that is shutting down throws when aborted.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#ended ??= this.#server.shutdown();
    await within(this.#ended, Infinity, deadline);
    await within(this.#ended, LINGER_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.abort());
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
