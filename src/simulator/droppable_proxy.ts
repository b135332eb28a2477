/**
 * Stands before a server and passes bytes both ways, for one reason: a connection can be dropped
 * here without an answer, which `Deno.serve` has no way to do.
 *
 * @module
 */

/** Listens on 127.0.0.1 and passes on to another port there. */
export class DroppableProxy {
  readonly port: number;
  /** Resolves when the listener and all connections are closed. */
  readonly finished: Promise<void>;
  readonly #target: number;
  readonly #listener: Deno.TcpListener;
  /** Connections, by the port that the server sees. */
  readonly #visitors = new Map<number, Deno.TcpConn>();

  private constructor(listener: Deno.TcpListener, target: number) {
    this.#listener = listener;
    this.#target = target;
    this.port = listener.addr.port;
    this.finished = this.#admitAll();
  }

  /** Listens on `port`, or on a free one if it is 0. */
  static open(port: number, target: number): DroppableProxy {
    return new DroppableProxy(Deno.listen({ hostname: "127.0.0.1", port }), target);
  }

  /** Drops the connection that the server sees from `port`. */
  drop(port: number): void {
    close(this.#visitors.get(port));
  }

  /** Stops listening, and drops all connections. */
  close(): void {
    close(this.#listener);
    for (const visitor of this.#visitors.values()) close(visitor);
  }

  async #admitAll(): Promise<void> {
    const visits: Promise<void>[] = [];
    for await (const visitor of this.#listener) visits.push(this.#admit(visitor));
    await Promise.all(visits);
  }

  async #admit(visitor: Deno.TcpConn): Promise<void> {
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      return close(visitor); // The server is closed already.
    }
    const { port } = server.localAddr;
    this.#visitors.set(port, visitor);
    await Promise.all([pass(visitor, server), pass(server, visitor)]);
    this.#visitors.delete(port);
  }
}

/** Passes bytes on until one side is gone, and then lets go of both. */
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
