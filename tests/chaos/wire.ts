/**
 * A small HTTP/1.1 server that can misbehave: drop a connection without an answer or in the middle of
 * one, never answer, refuse connections and take them again on the same port. `Deno.serve` can't.
 *
 * @module
 */

/** A request, all of it. */
export interface WireRequest {
  /** In capitals. */
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  /** As text. */
  readonly body: string;
}

/** An answer. */
export interface WireAnswer {
  /** The status. */
  readonly status: number;
  /** Headers, beside those about type and length. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: unknown;
  /** In place of that: a page of HTML. */
  readonly page?: string;
}

/** No answer: dropped, dropped in the middle of one, or none until the client has gone. */
export type NoAnswer = "reset" | "torn" | "hang";

/** Decides about a request. */
export type WireHandler = (request: WireRequest) => Promise<{
  readonly answer: WireAnswer | NoAnswer;
  /** Is called when the answer is written, or it is over without one. */
  readonly ended: () => void;
}>;

/** A server on 127.0.0.1. */
export class WireServer implements AsyncDisposable {
  /** Where it listens; the same after {@linkcode refuse} and {@linkcode accept}. */
  readonly port: number;
  readonly #handler: WireHandler;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #work = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;
  #accepting = Promise.resolve();

  /** Listens on a free port. */
  constructor(handler: WireHandler) {
    this.#handler = handler;
    this.port = this.#listen(0);
  }

  /** Ends all connections, and refuses new ones. */
  async refuse(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    await this.#accepting;
    for (const connection of this.#connections) close(connection);
  }

  /** Ends {@linkcode refuse}. */
  accept(): void {
    if (!this.#listener) this.#listen(this.port);
  }

  /** Ends all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #listen(port: number): number {
    const listener = this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#accepting = this.#acceptAll(listener);
    return listener.addr.port;
  }

  async #acceptAll(listener: Deno.TcpListener): Promise<void> {
    for await (const connection of listener) {
      connection.setNoDelay();
      this.#connections.add(connection);
      const work = this.#serve(connection);
      this.#work.add(work);
      void work.finally(() => this.#work.delete(work));
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    try {
      const input = new Input(connection);
      for (let request = await input.request(); request; request = await input.request()) {
        const { answer, ended } = await this.#handler(request);
        try {
          if (!await respond(connection, input, answer)) break;
        } finally {
          ended();
        }
      }
    } catch {
      // The client has gone, or we dropped it.
    }
    close(connection);
    this.#connections.delete(connection);
  }
}

/** Writes the answer; answers whether the connection is to be used further. */
async function respond(
  connection: Deno.TcpConn,
  input: Input,
  answer: WireAnswer | NoAnswer,
): Promise<boolean> {
  switch (answer) {
    case "reset":
      return false;
    case "torn":
      await write(connection, "HTTP/1.1 20");
      return false;
    case "hang":
      await input.end();
      return false;
    default: {
      const { status, headers = {}, body = {}, page } = answer;
      const text = page ?? JSON.stringify(body);
      const lines = Object.entries({
        "content-type": page === undefined ? "application/json" : "text/html",
        "content-length": String(encoder.encode(text).length),
        ...headers,
      }).map(([name, value]) => `${name}: ${value}\r\n`);
      await write(connection, `HTTP/1.1 ${status} -\r\n${lines.join("")}\r\n${text}`);
      return true;
    }
  }
}

/** What comes on a connection. */
class Input {
  readonly #connection: Deno.TcpConn;
  readonly #chunk = new Uint8Array(65_536);
  #buffered = new Uint8Array();

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** The next request; nothing when the client has ended. */
  async request(): Promise<WireRequest | undefined> {
    const head = await this.#until("\r\n\r\n");
    if (head === undefined) return undefined;
    const [first = "", ...lines] = head.split("\r\n");
    const [method = "", path = ""] = first.split(" ");
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const isChunked = headers.get("transfer-encoding") === "chunked";
    const length = Number(headers.get("content-length") ?? 0);
    const body = isChunked ? await this.#chunks() : await this.#take(length);
    return { method, path, headers, body: decoder.decode(body) };
  }

  /** Resolves when the client has ended. */
  async end(): Promise<void> {
    while (await this.#more());
  }

  async #chunks(): Promise<Uint8Array> {
    const parts: number[] = [];
    for (;;) {
      const size = Number.parseInt(await this.#until("\r\n") ?? "0", 16);
      parts.push(...await this.#take(size));
      await this.#take(2);
      if (size === 0) return Uint8Array.from(parts);
    }
  }

  async #until(mark: string): Promise<string | undefined> {
    for (;;) {
      // One character for one byte, so that places are the same in both.
      const at = latin1.decode(this.#buffered).indexOf(mark);
      if (at >= 0) return latin1.decode(await this.#take(at + mark.length)).slice(0, at);
      if (!await this.#more()) return undefined;
    }
  }

  async #take(size: number): Promise<Uint8Array> {
    while (this.#buffered.length < size) {
      if (!await this.#more()) throw new Error("The client has ended in the middle of a request");
    }
    const taken = this.#buffered.subarray(0, size);
    this.#buffered = this.#buffered.slice(size);
    return taken;
  }

  async #more(): Promise<boolean> {
    const size = await this.#connection.read(this.#chunk);
    if (size === null) return false;
    const joined = new Uint8Array(this.#buffered.length + size);
    joined.set(this.#buffered);
    joined.set(this.#chunk.subarray(0, size), this.#buffered.length);
    this.#buffered = joined;
    return true;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const latin1 = new TextDecoder("latin1");

async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It has been closed already.
  }
}
