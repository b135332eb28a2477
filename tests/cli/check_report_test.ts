import assert from "node:assert/strict";
import { formatReport, jsonReport } from "../../src/cli/check_report.ts";
import type { Finding } from "../../src/telemetry/mod.ts";

const FINDINGS: readonly Finding[] = [
  { subject: "http_bind", ok: true, detail: "127.0.0.1:8080 is free", fix: "nothing to do" },
  { channel: "sms", subject: "queue sms.inbound: declare", ok: true, detail: "quorum, bound" },
  {
    channel: "ussd",
    subject: "Turn's token",
    ok: false,
    detail: "Turn refuses it (401), as it does with one that was revoked or is another's",
    fix: "set auth_token to a token of this number, made in Turn and not revoked, and then again",
  },
  { subject: "clock", ok: undefined, detail: "can't be compared" },
];

Deno.test("formatReport() has what is to be mended first, then a line a thing, in 80 columns", () => {
  assert.equal(
    formatReport({ findings: FINDINGS, summary: "It will\n  work\n\n" }),
    `To mend:

✗ ussd Turn's token: Turn refuses it (401), as it does with one that was revoked
    or is another's
    → set auth_token to a token of this number, made in Turn and not revoked,
    and then again

To look at:

! all  clock: can't be compared

It will
  work

Fine:

✓ all  http_bind: 127.0.0.1:8080 is free
✓ sms  queue sms.inbound: declare: quorum, bound

1 to mend, 1 to look at, 2 fine
`,
  );
});

Deno.test("formatReport() says so if there is nothing to mend", () => {
  const findings = FINDINGS.filter(({ ok }) => ok === true);
  assert.match(
    formatReport({ findings, summary: "" }),
    /^Fine:\n\n(✓ .*\n){2}\nNothing to mend, 2 fine\n$/,
  );
});

Deno.test("jsonReport() has the same, in the same order", () => {
  const { findings, ...counts } = JSON.parse(jsonReport(FINDINGS));
  assert.deepEqual(counts, { to_mend: 1, to_look_at: 1, fine: 2 });
  const first = FINDINGS[2];
  assert.deepEqual(findings[0], {
    channel: "ussd",
    subject: "Turn's token",
    result: "mend",
    detail: first?.detail,
    fix: first?.fix,
  });
  assert.deepEqual(
    findings.map(({ channel, result }: Record<string, unknown>) => [channel, result]),
    [["ussd", "mend"], [null, "look"], [null, "fine"], ["sms", "fine"]],
  );
});
