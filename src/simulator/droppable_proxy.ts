/**
 * A TCP proxy before a server, for one reason: it can drop a connection without an answer, which
 * `Deno.serve` can't.
 *
 * @module
 */

/** Listens on 127.0.0.1 and connects to another port there. */
export class DroppableProxy {
  readonly port: number;
  /** Resolves when the listener and all connections are closed. */
  readonly finished: Promise<void>;
  readonly #target: number;
  readonly #listener: Deno.TcpListener;
  /** Connections, by the port that the server sees. */
  readonly #clients = new Map<number, Deno.TcpConn>();

  private constructor(listener: Deno.TcpListener, target: number) {
    this.#listener = listener;
    this.#target = target;
    this.port = listener.addr.port;
    this.finished = this.#acceptAll();
  }

  /** Listens on `port`, or on a free one if it is 0. */
  static open(port: number, target: number): DroppableProxy {
    return new DroppableProxy(Deno.listen({ hostname: "127.0.0.1", port }), target);
  }

  /** Drops the connection that the server sees from `port`. */
  drop(port: number): void {
    close(this.#clients.get(port));
  }

  /** Stops listening, and drops all connections. */
  close(): void {
    close(this.#listener);
    for (const client of this.#clients.values()) close(client);
  }

  async #acceptAll(): Promise<void> {
    const connections: Promise<void>[] = [];
    for await (const client of this.#listener) connections.push(this.#accept(client));
    await Promise.all(connections);
  }

  async #accept(client: Deno.TcpConn): Promise<void> {
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      return close(client); // The server is closed already.
    }
    const { port } = server.localAddr;
    this.#clients.set(port, client);
    await Promise.all([pass(client, server), pass(server, client)]);
    this.#clients.delete(port);
  }
}

/** Copies bytes until one side is gone, and then closes both. */
async function pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      for (let sent = 0; sent < n;) sent += await to.write(buffer.subarray(sent, n));
    }
  } catch {
    // Dropped, by either side or by us.
  }
  close(from);
  close(to);
}

function close(resource: Deno.TcpConn | Deno.TcpListener | undefined): void {
  try {
    resource?.close();
  } catch {
    // Closed already.
  }
}
