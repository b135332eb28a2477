/**
 * The HTTP server: Turn's endpoint, and beside it what an operator asks (`/health`, `/metrics`).
 *
 * @module
 */

import type { Hono } from "hono";
import type { Broker } from "../broker/mod.ts";
import type { Config } from "../config/mod.ts";
import { healthReport, type Metrics } from "../telemetry/mod.ts";
import { type EndpointOptions, methodNotAllowed, turnEndpoint } from "../turn/mod.ts";

/** The address can't be listened on; the message says why and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** What an {@linkcode HttpServer} serves, and where. */
export interface HttpOptions {
  /** Where to listen. */
  readonly bind: Config["http_bind"];
  /** Turn's endpoint. */
  readonly endpoint: EndpointOptions;
  /** Whose health is told. */
  readonly broker: Broker;
  /** What is told of the past. */
  readonly metrics: Metrics;
}

/** A listening server. */
export class HttpServer implements AsyncDisposable {
  /** Where it listens: a URL, or `unix:/path`. */
  readonly address: string;
  readonly #server: Deno.HttpServer;
  readonly #closing: AbortController;
  #ended = false;

  private constructor(address: string, server: Deno.HttpServer, closing: AbortController) {
    this.address = address;
    this.#server = server;
    this.#closing = closing;
  }

  /**
   * Listens.
   *
   * @throws {ListenError} If it can't.
   */
  static async listen(options: HttpOptions): Promise<HttpServer> {
    const { bind } = options;
    const app = application(options);
    const closing = new AbortController();
    const common = { signal: closing.signal, onListen: (): void => {} };
    const handler = (request: Request): Response | Promise<Response> => app.fetch(request);
    try {
      if (bind.kind === "unix") {
        await removeStaleSocket(bind.path);
        const server = Deno.serve({ ...common, path: bind.path }, handler);
        return new HttpServer(`unix:${bind.path}`, server, closing);
      }
      const { hostname, port } = bind;
      const server = Deno.serve({ ...common, hostname, port }, handler);
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      return new HttpServer(`http://${host}:${server.addr.port}`, server, closing);
    } catch (error) {
      throw new ListenError(explain(bind, error), { cause: error });
    }
  }

  /** Takes no new requests and answers those that came; when `deadline` fires, drops them. */
  async drain(deadline: AbortSignal): Promise<void> {
    const drop = (): void => this.#closing.abort();
    if (deadline.aborted) drop();
    deadline.addEventListener("abort", drop);
    await this.#server.shutdown();
    this.#ended = true;
    deadline.removeEventListener("abort", drop);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // To abort a server that has ended makes Deno throw.
    if (!this.#ended) this.#closing.abort();
    await this.#server.finished;
  }
}

function application({ endpoint, broker, metrics }: HttpOptions): Hono {
  const app = turnEndpoint(endpoint);
  app.get("/health", (context) => {
    const { state, serverProperties } = broker.status();
    // Blocked is the broker's trouble, of which publishers are told; restarting us would mend nothing.
    const up = state === "open" || state === "blocked";
    const report = healthReport({
      amqp: { health: up ? "ok" : "down", state, server_properties: serverProperties },
    });
    return context.json(report, report.health === "ok" ? 200 : 500);
  });
  app.get("/metrics", async (context) => {
    const type = "text/plain; version=0.0.4; charset=utf-8";
    return context.body(await metrics.text(), 200, { "Content-Type": type });
  });
  for (const path of ["/health", "/metrics"]) app.all(path, methodNotAllowed("GET", "HEAD"));
  return app;
}

/** A socket file outlives a process that was killed; one that somebody listens on stays. */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isSocket) return;
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await Deno.remove(path);
    else if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function explain(bind: Config["http_bind"], error: unknown): string {
  const where = bind.kind === "unix" ? bind.path : `${bind.hostname}:${bind.port}`;
  const state = `Cannot listen on http_bind ${where}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return `${state}: another program does already (is turn-channels running twice?)`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${state}: this machine has no such address; 0.0.0.0 means all that it has`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${state}: the system does not allow it; ports below 1024 and others' folders need rights`;
  }
  return `${state}: ${error instanceof Error ? error.message : String(error)}`;
}
