import assert from "node:assert/strict";
import { ALERTS } from "../../src/telemetry/mod.ts";
import { Program } from "../support/program.ts";
import { BROKER_AWAY, explained } from "./explain.ts";

Deno.test("explain has the runbook's text of each alert, in 80 columns and plain", async () => {
  const program = Program.fromSource();
  // In any case of letters.
  assert.equal(await explained(program, "brokeraway"), BROKER_AWAY);
  assert.match(
    await explained(program, "MessagesParked"),
    /^MessagesParked: can wait .*\n\nMeans: [^]*\n\nLook[^]*\n\nDo: [^]*\n\n {2}turn-channels parked list\n$/,
  );
  const overview = await explained(program);
  for (const name of Object.keys(ALERTS)) assert.ok(overview.includes(`  ${name} (`), name);
  assert.match(overview, /^ {2}Turn's requests get 401\n {6}turn_hmac_secret is not/m);
});

Deno.test("explain names the alerts that there are if there is none of that name, exit code 64", async () => {
  const { code, stdout, stderr } = await Program.fromSource().output(["explain", "Tur\u001bnUp"]);
  assert.deepEqual([code, stdout], [64, ""]);
  assert.match(
    stderr,
    /^There is no alert Tur\\u001bnUp\. These are:\n {2}TurnRefusesToken, TurnDown,/,
  );
  const near = await Program.fromSource().output(["explain", "TurnDwn"]);
  assert.match(near.stderr, /^There is no alert TurnDwn\. Did you mean TurnDown\? These are:\n/);
});
