import assert from "node:assert/strict";
import fc from "fast-check";
import { readTrace, type Trace } from "../../src/telemetry/mod.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function read(headers: Readonly<Record<string, unknown>>): Trace | undefined {
  return readTrace((name) => headers[name]);
}

Deno.test("readTrace() reads headers with and without a state", () => {
  for (const trace of [{ traceparent: PARENT }, { traceparent: PARENT, tracestate: "a=1,b@c=2" }]) {
    assert.deepEqual(read({ ...trace }), trace);
  }
  assert.equal(read({}), undefined);
});

/** What is no traceparent. */
const WRONG: readonly unknown[] = [
  "",
  PARENT.slice(0, -1),
  `${PARENT}0`,
  `${PARENT}-00`,
  ` ${PARENT}`,
  `${PARENT}\n`,
  PARENT.toUpperCase(),
  PARENT.replace(/^00/, "ff"),
  PARENT.replace(/^00/, "01"),
  PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
  PARENT.replace("b7ad6b7169203331", "0".repeat(16)),
  PARENT.replace("f", "g"),
  PARENT.replaceAll("-", "_"),
  `${PARENT}, ${PARENT}`,
  new TextEncoder().encode(PARENT),
  [PARENT],
  null,
  1,
];

for (const traceparent of WRONG) {
  Deno.test(`readTrace() ignores ${JSON.stringify(traceparent)}`, () => {
    assert.equal(read({ traceparent, tracestate: "a=1" }), undefined);
  });
}

for (
  const tracestate of ["", "a", "ü=1", "a=1\r\nx: y", `a=${"x".repeat(511)}`, "a=1,".repeat(33), 1]
) {
  Deno.test(`readTrace() leaves out the state ${JSON.stringify(tracestate).slice(0, 40)}`, () => {
    assert.deepEqual(read({ traceparent: PARENT, tracestate }), { traceparent: PARENT });
  });
}

Deno.test("readTrace() passes on nothing that can't be a header, whatever is given", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (tracestate) => {
    new Headers({ ...read({ traceparent: PARENT, tracestate }) });
  }));
});
