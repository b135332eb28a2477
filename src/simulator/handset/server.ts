// The page, over HTTP: its files, what happens as server-sent events, and what a person does at it as
// `POST /do`. A page on the web can have its name resolve to this machine (DNS rebinding), but can't
// have an address for a name, nor send another `Origin` than its own: so requests are refused unless
// they use an address, localhost or the configured name.

import { getLogger } from "@logtape/logtape";
import { bodyLength } from "../../turn/mod.ts";
import { type Action, readAction } from "./actions.ts";
import type { HelloFields, Now } from "./events.ts";
import type { Journal } from "./journal.ts";
import { PhoneError } from "./phones.ts";
import { formatTranscript, type Transcript } from "./transcripts.ts";

const log = getLogger(["turn-channels", "simulator"]);

/** What the page shows, and what can be done at it. */
export interface Play {
  readonly journal: Journal;
  readonly hello: HelloFields;
  now(): readonly Now[];
  /** What was said at a phone. */
  transcript(phone: string): Transcript;
  /** Does what a person does. Throws `PhoneError` if it can't be done. */
  act(action: Action): Promise<void>;
}

/** Where a {@linkcode PageServer} listens, and what it shows. */
export interface PageServerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly play: Play;
}

/** The page's files are those in its folder with one of these endings. */
const TYPES = new Map([
  ["html", "text/html; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["svg", "image/svg+xml"],
]);

const MOST_LISTENERS = 32;
/** Frames that may wait for a slow reader; with more it is disconnected, and can come back for them. */
const MOST_WAITING = 3_000;
const LARGEST_BODY = 32_768;
const LONGEST_ADDRESS = 40;
/** How often to look for listeners that have gone. */
const HEARTBEAT_MS = 10_000;

export class PageServer implements AsyncDisposable {
  readonly url: string;
  readonly #options: PageServerOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** What closes the connection of a page that listens. */
  readonly #closers = new Set<() => void>();

  /**
   * Listens.
   * @throws {Error} One of `Deno.errors`, if it can't.
   */
  constructor(options: PageServerOptions) {
    const { hostname, port } = options;
    this.#options = options;
    this.#server = Deno.serve(
      { hostname, port, onListen: () => {}, onError: internalError },
      (request) => this.#answer(request),
    );
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    this.url = `http://${host}:${this.#server.addr.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) close();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const fault = faultOf(request, this.#options.hostname);
    if (fault !== undefined) return answer(403, fault);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/do") {
      return request.method === "POST" ? await this.#act(request) : answer(405, "Only POST");
    }
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "Only GET");
    if (pathname === "/events") {
      const lastId = request.headers.get("last-event-id") ?? searchParams.get("after") ?? "";
      return this.#listen(lastId);
    }
    if (pathname === "/transcript.json" || pathname === "/transcript.txt") {
      return this.#transcript(searchParams.get("phone") ?? "", pathname.slice(1));
    }
    return await file(pathname === "/" ? "/index.html" : pathname);
  }

  #transcript(phone: string, name: string): Response {
    const transcript = this.#options.play.transcript(phone.trim().slice(0, LONGEST_ADDRESS));
    const isJson = name.endsWith(".json");
    const text = isJson ? JSON.stringify(transcript, undefined, 2) : formatTranscript(transcript);
    const type = isJson ? "application/json" : "text/plain; charset=utf-8";
    const disposition = `attachment; filename="${name}"`;
    const headers = { ...HEADERS, "Content-Type": type, "Content-Disposition": disposition };
    return new Response(text, { headers });
  }

  #listen(lastId: string): Response {
    if (this.#closers.size >= MOST_LISTENERS) return answer(503, "Too many pages are open");
    const { play } = this.#options;
    const encoder = new TextEncoder();
    const ends = new DisposableStack();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        const close = (): void => {
          ends.dispose();
          controller.close();
        };
        const push = (frame: string): void => {
          controller.enqueue(encoder.encode(frame));
          if ((controller.desiredSize ?? 0) < -MOST_WAITING) close();
        };
        this.#closers.add(close);
        ends.defer(() => this.#closers.delete(close));
        // Right away, so that the page knows how long to wait before it comes back.
        push("retry: 1000\n\n");
        ends.use(play.journal.listen(lastId, play.hello, play.now(), push));
        const heartbeat = setInterval(() => push(":\n\n"), HEARTBEAT_MS);
        ends.defer(() => clearInterval(heartbeat));
      },
      cancel: () => ends.dispose(),
    });
    const headers = { ...HEADERS, "Content-Type": "text/event-stream; charset=utf-8" };
    return new Response(body, { headers });
  }

  async #act(request: Request): Promise<Response> {
    if (request.headers.get("content-type") !== "application/json") {
      return answer(415, "The content type must be application/json");
    }
    const size = bodyLength(request.headers);
    if (size === undefined) return answer(411, "The header Content-Length is missing");
    if (size > LARGEST_BODY) return answer(413, "The body is too large");
    const action = readAction(await request.text());
    if ("fault" in action) return answer(400, action.fault);
    try {
      await this.#options.play.act(action);
    } catch (error) {
      if (error instanceof PhoneError) return answer(409, error.message);
      throw error;
    }
    return new Response(null, { status: 204, headers: HEADERS });
  }
}

/** A file of the page. A path of other characters could lead out of the folder. */
async function file(path: string): Promise<Response> {
  const [, ending = ""] = /^\/\w+\.(\w+)$/.exec(path) ?? [];
  const type = TYPES.get(ending);
  try {
    if (type !== undefined) {
      const bytes = await Deno.readFile(new URL(`../page${path}`, import.meta.url));
      return new Response(bytes, { headers: { ...HEADERS, "Content-Type": type } });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return answer(404, "There is no such page");
}

function internalError(error: unknown): Response {
  log.error("A request of the page failed: {error}", { error });
  return answer(500, "A bug; the log says more");
}

function answer(status: number, message: string): Response {
  return Response.json({ message }, { status, headers: HEADERS });
}

/** Headers of all answers: nothing is loaded, run, embedded or kept that is not of this server. */
const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

function faultOf(request: Request, ownHost: string): string | undefined {
  const host = request.headers.get("host") ?? "";
  const name = URL.parse(`http://${host}`)?.hostname ?? "";
  // Names that no other server's page can have: addresses, localhost, and the configured one.
  const isOurs = /^(\[.*|[\d.]+|localhost)$/.test(name) || name === ownHost.toLowerCase();
  if (!isOurs) return `Not served under the name ${JSON.stringify(host)}`;
  const origin = request.headers.get("origin");
  const isOwn = origin === `http://${host}` || origin === `https://${host}`;
  if (origin !== null && !isOwn) return "Pages of other servers may not ask this one";
  // Browsers send it with whatever changes something.
  if (origin === null && request.method === "POST") return "The header Origin is missing";
  return undefined;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
