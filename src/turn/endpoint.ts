// Turn's requests, over HTTP: who may ask, what can be read, and what is answered. What becomes of
// a request is for `Accept` to say.
//
// A 4xx makes Turn drop the message for good, and anything else makes it try again: hence never a
// 4xx for what may work later, and never a 5xx for what never will.

import { withContext } from "@logtape/logtape";
import { Hono } from "hono";
import { Deadline, EXPIRED, Timeouts } from "../async/mod.ts";
import { readTrace, type Trace } from "../telemetry/mod.ts";
import { BodyHold, BodyMemory, readBody } from "./body.ts";
import {
  internalError,
  methodNotAllowed,
  pathNotFound,
  refuse,
  unavailable,
} from "./http_errors.ts";
import { decodeRequest, type OutboundRequest } from "./request.ts";
import { isPlausible, SIGNATURE_HEADER, verify } from "./signature.ts";

/** What became of a request that was readable. */
export type Acceptance =
  /** The message is safe, or need not be sent; `id` is what its statuses will be about. */
  | { readonly kind: "accepted"; readonly id: string }
  /** The request answers a message that isn't known; nothing was sent. */
  | { readonly kind: "unknown_reply_to" }
  /** Nobody waits for the answer any more, for a reason that Turn is told; nothing was sent. */
  | { readonly kind: "session_over"; readonly reason: string }
  /** The message can't be shown on a phone, or sent, ever; Turn is told why, and by which field. */
  | { readonly kind: "unsendable"; readonly details: string; readonly field: string }
  /** The message can't be taken now. The reason is logged, Turn is not told. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Who sent a request. */
export interface Sender {
  /** The signed body, as it came. */
  readonly body: Uint8Array;
  /** Whether nobody takes the answer any more: the sender has hung up, or our time was up. */
  isGone(): boolean;
  /** Whether our time was up, and the sender knows that it has to send it again. */
  isLate(): boolean;
  /** What the request is a part of, if it says. */
  readonly trace?: Trace | undefined;
}

/** Takes a request over, or says why not. An exception is a bug. */
export type Accept = (request: OutboundRequest, sender: Sender) => Promise<Acceptance>;

/** How {@linkcode turnEndpoint} answers; looked at for each request anew, but for the path. */
export interface EndpointOptions {
  /** What log lines name the channel by. */
  readonly connector?: string;
  /** What comes before `/messages`: empty, or `/` and more, without a `/` at the end. */
  readonly path: string;
  /** The secrets that Turn may sign with; several while one is replaced. */
  readonly hmacSecrets: readonly string[];
  /** The largest body that is read. */
  readonly maxBodyBytes: number;
  /** Milliseconds from the arrival of a request to its answer, 1 to 2,147,483,647. */
  readonly requestTimeoutMs: number;
  /** Takes the requests over. */
  readonly accept: Accept;
}

/**
 * Answers `POST <path>/messages` of each channel, and whatever isn't known with an error. Other
 * routes may be added to it; give each {@linkcode methodNotAllowed} for the methods that it doesn't
 * know.
 * @internal As `deno doc --lint` would have every type of hono's exported too.
 */
export function turnEndpoint(channels: readonly EndpointOptions[]): Hono {
  // A slash at the end of a path makes no other path of it: for a 404 Turn would drop the message.
  const app = new Hono({ strict: false });
  const shared = { timeouts: new Timeouts(), memory: new BodyMemory() };
  for (const options of channels) {
    const path = `${options.path}/messages`;
    app.post(
      path,
      ({ req }) =>
        withContext(
          { connector: options.connector },
          () => answer(req.raw, { ...options }, shared),
        ),
    );
    app.all(path, methodNotAllowed("POST"));
  }
  app.notFound(pathNotFound);
  app.onError(internalError);
  return app;
}

/** What the requests of all channels share. */
interface Shared {
  readonly timeouts: Timeouts;
  readonly memory: BodyMemory;
}

async function answer(
  request: Request,
  options: EndpointOptions,
  { timeouts, memory }: Shared,
): Promise<Response> {
  const signature = request.headers.get(SIGNATURE_HEADER);
  if (!signature) return refuse(401, [{ details: `The header ${SIGNATURE_HEADER} is missing` }]);
  // Whoever does not even try is not to make us hold a body.
  if (!isPlausible(signature)) {
    return refuse(401, [{ details: `${SIGNATURE_HEADER} is not an HMAC-SHA256 in base64` }]);
  }
  // Now: it tells only of what happens after it was asked for.
  const { signal } = request;
  using deadline = new Deadline(options.requestTimeoutMs, timeouts);
  using hold = new BodyHold(memory);
  const body = await readBody(request, options.maxBodyBytes, deadline, hold);
  switch (body.kind) {
    case "too_large":
      return refuse(413, [{ details: `The body is larger than ${options.maxBodyBytes} bytes` }]);
    case "broken":
      // Most likely nobody is left to read this. Sent again it may well be whole, so no 4xx.
      return unavailable("The body broke off", 1);
    case "crowded":
      return unavailable(
        "The bodies of other requests take all the memory that there is for them",
        1,
      );
    case "expired":
      return timedOut(options);
    case "complete":
      break;
  }
  if (!verify(options.hmacSecrets, body.bytes, signature)) {
    return refuse(401, [{ details: `${SIGNATURE_HEADER} does not match the body and our secret` }]);
  }
  if (!isJson(request.headers.get("content-type"))) {
    return refuse(415, [{ details: "The content type, if given, must be application/json" }]);
  }
  let isLate = false;
  const sender = {
    body: body.bytes,
    isGone: () => isLate || signal.aborted,
    isLate: () => isLate,
    trace: readTrace((name) => request.headers.get(name)),
  };
  const answered = await deadline.race(answerBody(sender, options));
  if (answered !== EXPIRED) return answered;
  isLate = true;
  return timedOut(options);
}

/** Answers a request whose body was read. Never rejects: nobody may be waiting any more. */
async function answerBody(sender: Sender, { accept }: EndpointOptions): Promise<Response> {
  try {
    const read = decodeRequest(sender.body);
    switch (read.kind) {
      case "malformed":
        return refuse(400, read.errors);
      case "request":
        return answerAcceptance(await accept(read.request, sender));
    }
  } catch (error) {
    return internalError(error);
  }
}

function answerAcceptance(acceptance: Acceptance): Response {
  switch (acceptance.kind) {
    case "accepted":
      return Response.json({ messages: [{ id: acceptance.id }] });
    case "unknown_reply_to":
      return refuse(404, [{
        details: "No inbound message with this id is remembered",
        field: "reply_to",
      }]);
    case "session_over":
      return refuse(422, [{
        title: "session_over",
        details: `session_over: ${acceptance.reason}`,
        field: "to",
      }]);
    case "unsendable":
      return refuse(422, [{ details: acceptance.details, field: acceptance.field }]);
    case "unavailable":
      return unavailable(acceptance.reason);
  }
}

function timedOut({ requestTimeoutMs }: EndpointOptions): Response {
  return unavailable(`Not done within ${requestTimeoutMs / 1000} s`);
}

const JSON_TYPE = /^application\/(?:[^;,\s]+\+)?json\s*(?:;|$)/i;

function isJson(contentType: string | null): boolean {
  return !contentType || JSON_TYPE.test(contentType);
}
