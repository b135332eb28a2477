// W3C Trace Context: whose work a message is a part of, as it goes from hop to hop in two headers,
// over HTTP and over AMQP alike. It is passed on as it came, whether anything is traced here or not.
// Fields: https://www.w3.org/TR/trace-context/.

/** Where a message belongs; by the names of the headers. */
export interface Trace {
  /** Version, trace, parent and flags: 55 characters. */
  readonly traceparent: string;
  /** What tracing systems add for themselves. */
  readonly tracestate?: string;
}

const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** A list of at most 32 members, key=value; anybody may drop it (3.3), so we do what is not one. */
const TRACESTATE = /^(?=.{3,512}$)[\x20-\x2b\x2d-\x7e]*=[\x20-\x7e]*$/;
const MOST_MEMBERS = 32;

/**
 * Reads the headers; undefined if there is no `traceparent` of version 00 that is as it should be.
 * @param header The value of the header of that name, if there is one; of any type, as AMQP's may be.
 */
export function readTrace(header: (name: string) => unknown): Trace | undefined {
  const traceparent = header("traceparent");
  if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) return undefined;
  const tracestate = header("tracestate");
  const isState = typeof tracestate === "string" && TRACESTATE.test(tracestate) &&
    tracestate.split(",").length <= MOST_MEMBERS;
  return isState ? { traceparent, tracestate } : { traceparent };
}
