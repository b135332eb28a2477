/**
 * What is published is what vumi2's transports for AAT's USSD and for SMPP can show.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { TestBridge } from "../support/bridge.ts";
import { pythonWith } from "../support/python.ts";
import { SHOWN, TEMPLATES } from "../support/turn_messages.ts";

const TRANSPORTS = fileURLToPath(new URL("../vumi/vumi2_transports.py", import.meta.url));
const python = await pythonWith("cattrs==23.2.3");

Deno.test({
  name: python.kind === "python"
    ? "vumi2's AAT and SMPP transports show what Turn's messages say"
    : `vumi2's transports show what Turn's messages say (not run: ${python.why})`,
  ignore: python.kind !== "python",
  async fn() {
    assert.ok(python.kind === "python");
    await using bridge = await TestBridge.start({
      templates: TEMPLATES,
      "text-encoding": "gsm7",
      "ussd-merge-window": "0",
    });
    for (const [index, [, turn, , , content]] of SHOWN.entries()) {
      const waiting_for_user_input = index % 2 === 0;
      const sms = { to: "+266", from: "8110", turn, content, waiting_for_user_input };
      assert.equal((await bridge.send(sms)).status, 200);
      await bridge.transport.sendInbound({
        message_id: `dial${index}`,
        from_addr: "+2782",
        transport_type: "ussd",
        session_event: "new",
        timestamp: formatTimestamp(new Date()),
      });
      await bridge.turn.received((calls) => JSON.stringify(calls).includes(`"dial${index}"`));
      assert.equal((await bridge.send({ ...sms, to: "+2782" })).status, 200);
      await bridge.transport.received(2 * index + 2);
    }
    const published = await bridge.transport.received(2 * SHOWN.length);
    const made = await ask(python.path, published.map(({ message }) => JSON.stringify(message)));
    for (const [index, [name, , ussd]] of SHOWN.entries()) {
      const { smpp } = made[2 * index] ?? assert.fail();
      assert.equal(smpp["text"], published[2 * index]?.message["content"], name);
      assert.deepEqual([smpp["to"], smpp["from"]], ["+266", "8110"]);
      const { aat } = made[2 * index + 1] ?? assert.fail();
      assert.deepEqual(aat, { text: ussd, open: index % 2 === 0 }, name);
    }
  },
});

/** What each transport makes of each message. */
async function ask(
  path: string,
  messages: readonly string[],
): Promise<readonly Record<"aat" | "smpp", Record<string, unknown>>[]> {
  const process = new Deno.Command(path, {
    args: [TRANSPORTS],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(messages.map((line) => `${line}\n`).join("")));
  await writer.close();
  const { success, stdout } = await process.output();
  assert.ok(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}
