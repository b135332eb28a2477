/**
 * The compiled binary: starts, answers, carries one message each way, stops.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BROKER_AWAY, explained } from "./cli/explain.ts";
import { STUCK_LOGS, worksWithStuckLog } from "./cli/stuck_log.ts";
import { FakeTurn, send } from "./support/fake_turn.ts";
import { SECRET, TOKEN } from "./support/bridge.ts";
import { compile } from "./support/compiled.ts";
import { Live } from "./support/live.ts";
import { amqpUrl } from "./support/rabbitmq.ts";
import { Program } from "./support/program.ts";
import { STUCK, StuckClients } from "./support/stuck_clients.ts";
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

/** Another user than root, for whom rights count. */
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;
const isRoot = Deno.uid() === 0;

Deno.test({
  name: "the compiled binary says which right to its cache it lacks, as whom, and what to do" +
    (isRoot ? "" : " (not run: only root can become another user)"),
  ignore: fault !== undefined || !isRoot,
  fn: async () => {
    const [closed, readable] = [`${folder}/closed`, `${folder}/readable.kv`];
    await Deno.chmod(folder, 0o755);
    await Deno.mkdir(closed, { mode: 0o700 });
    await Deno.mkdir(`${folder}/roots`);
    await Deno.writeTextFile(readable, "");
    for (
      const [path, says] of [
        [`${folder}/roots/cache.kv`, `no right to write to ${folder}/roots, which is of user 0,`],
        [readable, `no right to write to ${readable}, which is of user 0, group 0, mode 644`],
        [`${closed}/cache.kv`, `no right to enter ${closed}; run this as the user`],
        [
          `${folder}/none/cache.kv`,
          `there is no directory ${folder}/none; create it, as user nobody`,
        ],
      ] as const
    ) {
      const as = (command: string) =>
        new Deno.Command(NOBODY[0], {
          args: [
            ...NOBODY.slice(1),
            binary,
            command,
            "--connector-name=x",
            "--http-bind=127.0.0.1:0",
            "--turn-api-url=http://127.0.0.1:1",
            "--auth-token=t",
            "--turn-hmac-secret=s",
            "--default-from-addr=8110",
            "--amqp-url=memory:",
            "--message-cache-class=DenoKvMessageCache",
            `--message-cache-config-path=${path}`,
          ],
          cwd: folder,
        }).output();
      const { code, stderr } = await as("run");
      const told = new TextDecoder().decode(stderr);
      assert.equal(code, 69, told);
      assert.ok(told.includes(says), `${told}\nhas not: ${says}`);
      assert.ok(path.startsWith(`${folder}/none`) || told.includes("user nobody (65534)"), told);
      const checked = await as("check");
      assert.equal(checked.code, 1);
      const words = new TextDecoder().decode(checked.stdout).replaceAll(/\s+/g, " ");
      assert.ok(words.includes("✗ all cache file"), words);
    }
  },
});

// Not from source: Deno 2.6 panics when a stack is printed and it can't open the source map.
Deno.test({
  name: "a call to Turn for which no descriptor is left is no failure, of Turn or of the message",
  ignore: fault !== undefined,
  fn: async () => {
    await using live = await Live.prepare({
      "worker-concurrency": "100",
      "max-retries": "0",
      "mo-message-url-timeout": "3600",
    });
    live.turn.answer = () => "hang";
    const program = Program.binary(binary).limited(80);
    await using running = await program.start(["run", ...live.args()]);
    const ids = Array.from({ length: 100 }, (_, user) => `m${user}`);
    for (const id of ids) await live.transport.sendInbound({ message_id: id, from_addr: `+${id}` });
    const unsent = "this program has no file descriptor left";
    await until("calls that can't be made", () => running.stderr().includes(unsent));
    live.turn.answer = () => Response.json({});
    live.turn.release();
    await until("all to be told", () => new Set(live.told()).size === ids.length);
    assert.equal(await running.stop("SIGTERM"), 0, running.stderr());
    assert.doesNotMatch(running.stderr(), /Turn is down|Not delivered/);
    await live.waiting("inbound", 0);
    await live.waiting("inbound.parked", 0);
  },
});

Deno.test({
  name: "the compiled binary listens again after clients have taken all descriptors",
  ignore: fault !== undefined,
  fn: async () => {
    await using running = await Program.binary(binary).limited(64).start([
      "--connector-name=c",
      "--http-bind=127.0.0.1:0",
      "--turn-api-url=http://127.0.0.1:9",
      `--auth-token=${TOKEN}`,
      `--turn-hmac-secret=${SECRET}`,
      "--default-from-addr=8110",
      "--amqp-url=memory:",
    ]);
    using clients = new StuckClients();
    await clients.connect(running.address, 100, STUCK.nothing);
    await until("it to listen again", () => running.stderr().includes("Listening again"));
    assert.equal(await (await fetch(`${running.address}/livez`)).text(), "ok\n");
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

Deno.test({
  name: "the compiled binary has the runbook in it",
  ignore: fault !== undefined,
  fn: async () => {
    assert.equal(await explained(Program.binary(binary), "BrokerAway"), BROKER_AWAY);
  },
});

for (const [what, log] of Object.entries(STUCK_LOGS)) {
  Deno.test({
    name: `the compiled binary works with a log that is ${what}`,
    ignore: fault !== undefined,
    fn: () => worksWithStuckLog(Program.binary(binary), log),
  });
}
