/**
 * Clients that connect and do not go on, as anybody's may.
 *
 * @module
 */

/** What they have sent, by what it is. */
export const STUCK = {
  nothing: "",
  "half a head": "POST /messages HTTP/1.1\r\nHost: x\r\nX-Half: ",
  "half a body": "POST /messages HTTP/1.1\r\nHost: x\r\n" +
    `X-Turn-Hook-Signature: ${"A".repeat(43)}=\r\nContent-Length: 500\r\n\r\n{`,
  "half a body, unsigned": "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
  "a whole request": "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
} as const;

/** Connections that stay open until they are disposed, or closed by the other side. */
export class StuckClients implements Disposable {
  readonly #connections: Deno.Conn[] = [];

  /** Connects so often to `address`, a URL or `unix:/path`, as far as it can, and sends `text`. */
  async connect(address: string, count: number, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let i = 0; i < count; i++) {
        const connection = await connectTo(address);
        this.#connections.push(connection);
        await connection.write(bytes);
      }
    } catch {
      // Nobody takes connections any more.
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}

async function connectTo(address: string): Promise<Deno.Conn> {
  if (address.startsWith("unix:")) {
    return await Deno.connect({ transport: "unix", path: address.slice("unix:".length) });
  }
  const { hostname, port } = new URL(address);
  return await Deno.connect({ hostname, port: Number(port) });
}
