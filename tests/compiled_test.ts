/**
 * The compiled binary: starts, answers, carries one message each way, stops.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FakeTurn, send } from "./support/fake_turn.ts";
import { SECRET, TOKEN } from "./support/bridge.ts";
import { compile } from "./support/compiled.ts";
import { amqpUrl } from "./support/rabbitmq.ts";
import { Program } from "./support/program.ts";
import { Transcript } from "./support/transcript.ts";
import { Transport } from "./support/transport.ts";
import { until } from "./support/until.ts";

const folder = await Deno.makeTempDir({ prefix: "turn-channels-compiled-" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const binary = `${folder}/turn-channels`;
const fault = await compile(binary);

Deno.test({
  name: fault === undefined
    ? "the compiled binary can be made"
    : `the compiled binary can't be made here: ${fault}`,
  // On a developer's machine without the network it may be so; in CI it may not.
  ignore: fault !== undefined && Deno.env.get("CI") !== "true",
  fn: () => assert.equal(fault, undefined),
});

Deno.test({
  name: "the compiled binary starts, is healthy, carries a message each way and stops on SIGTERM",
  ignore: fault !== undefined,
  fn: async () => {
    await using turn = FakeTurn.start({ authToken: TOKEN });
    const connector = `test-${crypto.randomUUID()}`;
    await using transport = await Transport.connect(connector);
    await using running = await Program.binary(binary).start([
      `--connector-name=${connector}`,
      "--http-bind=127.0.0.1:0",
      `--turn-api-url=${turn.url}`,
      `--auth-token=${TOKEN}`,
      `--turn-hmac-secret=${SECRET}`,
      "--default-from-addr=8110",
      `--amqp-url=${amqpUrl()}`,
      "--message-cache-class=DenoKvMessageCache",
      `--message-cache-config-path=${folder}/cache.kv`,
    ]);
    await until("health", async () => {
      const response = await fetch(`${running.address}/health`);
      return (await response.json()).health === "ok";
    });
    await transport.sendInbound({ message_id: "m1" });
    await turn.received(1);
    const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
    const answer = await send(`${running.address}/messages`, body, { secret: SECRET });
    const { messages: [{ id }] } = await answer.json();
    const [{ message } = assert.fail()] = await transport.received(1);
    assert.equal(message["message_id"], id);
    assert.equal(message["in_reply_to"], "m1");
    await transport.sendEvent({ user_message_id: id, event_type: "ack", sent_message_id: "p" });
    await turn.received(2);
    assert.equal(await running.stop("SIGTERM"), 0);
  },
});

Deno.test({
  name: "the compiled binary has the handset's page in it",
  ignore: fault !== undefined,
  fn: async () => {
    const process = new Deno.Command(binary, {
      args: ["demo", "--port", "0", "--page-port", "0"],
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const stdout = new Transcript(process.stdout);
    const [, url = ""] = await stdout.waitFor(/in a browser: (http:\S+)/);
    for (const file of ["", "page.css", "main.js"]) {
      const served = await fetch(`${url}${file}`);
      const source = new URL(`../src/simulator/page/${file || "index.html"}`, import.meta.url);
      assert.equal(await served.text(), await Deno.readTextFile(source));
    }
    process.kill("SIGTERM");
    assert.equal((await process.status).code, 0);
    await stdout.ended;
  },
});
