/**
 * Several channels in one program: what each does for itself, and what is told of all.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EXIT } from "../../src/cli/exit_codes.ts";
import { missingCommand } from "../support/debian.ts";
import { PACKAGE } from "../support/prometheus.ts";
import { freePort } from "../support/free_port.ts";
import { promtool } from "../support/promtool.ts";
import { get, sendTo, Several, told } from "../support/several.ts";
import { until } from "../support/until.ts";

const missing = await missingCommand("promtool", PACKAGE);

Deno.test("three channels: messages and statuses go where they belong, each by its own path, secret and token", async () => {
  await using several = await Several.prepare(3);
  await using running = await several.start();
  const { address } = running;
  for (const [index, channel] of several.channels.entries()) {
    await channel.transport.sendInbound({ message_id: `in${index}`, from_addr: "+266" });
    await channel.turn.received(1);
    const { status, id } = await sendTo(address, channel, `to ${index}`, { to: "+266" });
    assert.equal(status, 200);
    await channel.transport.received(1);
    // The same user has written to each, and is answered on each.
    const [{ message } = assert.fail()] = channel.transport.outbound;
    assert.deepEqual([message.content, message.message_id], [`to ${index}`, id]);
    await channel.transport.sendEvent({
      event_type: "ack",
      user_message_id: id,
      sent_message_id: "s",
    });
    await channel.turn.received(2);
  }
  for (const [index, channel] of several.channels.entries()) {
    assert.deepEqual(told(channel), [`in${index}`]);
    assert.equal(channel.turn.calls.length, 2);
    assert.equal(channel.transport.outbound.length, 1);
    // A wrong token would have been refused, and parked or tried again.
    for (const { headers } of channel.turn.calls) {
      assert.equal(headers.get("authorization"), `Bearer token-${index}`);
    }
    const { path } = several.at((index + 1) % 3);
    assert.equal((await sendTo(address, { path, secret: channel.secret }, "x")).status, 401);
  }
  assert.equal((await sendTo(address, { path: "", secret: "secret-0" }, "x")).status, 404);
  const names = several.channels.map(({ connector }) => connector).join(", ");
  assert.equal(await running.stop("SIGTERM"), EXIT.ok);
  assert.ok(running.stderr().includes(`"connector":"${names}"`), running.stderr());
});

Deno.test("an id of another channel's is not known to a channel, in whichever cache", async () => {
  await using several = await Several.prepare(2);
  const file = `${several.folder}/cache.kv`;
  for (
    const cache of [
      {},
      { message_cache_class: "DenoKvMessageCache", message_cache_config: { path: file } },
    ]
  ) {
    await several.configure(cache);
    await using running = await several.start();
    const [first, second] = [several.at(0), several.at(1)];
    const message_id = crypto.randomUUID();
    const before = first.turn.calls.length;
    await first.transport.sendInbound({ message_id });
    await first.turn.received(before + 1);
    const reply = (channel: typeof first) =>
      sendTo(running.address, channel, "x", { reply_to: message_id });
    assert.equal((await reply(second)).status, 404);
    assert.equal((await reply(first)).status, 200);
    assert.equal(await running.stop("SIGTERM"), EXIT.ok);
  }
});

Deno.test("/health, /metrics and /openapi.json tell of each channel", async () => {
  await using several = await Several.prepare(2);
  await several.configure({}, (index) => index === 0 ? {} : { status_format: "nested" });
  await using running = await several.start();
  const { connector: good } = several.at(0);
  const { connector: bad, turn, transport } = several.at(1);
  turn.answer = () => new Response("{}", { status: 401 });
  for (let n = 0; n < 5; n++) await transport.sendInbound({ from_addr: `+${n}` });
  const health = async () => JSON.parse((await get(`${running.address}/health`)).text);
  await until(
    "the breaker to open",
    async () => (await health()).components.turn.channels[bad].breaker !== "closed",
  );
  const { health: whole, components: { turn: told } } = await health();
  assert.deepEqual([whole, told.health], ["ok", "degraded"]);
  assert.deepEqual(told.channels[good], { health: "ok", breaker: "closed", last_success: null });
  assert.equal(told.channels[bad].health, "degraded");
  const down = () => running.stderr().split("\n").filter((line) => line.includes("Turn is down"));
  await until("the log", () => down().length > 0);
  assert.deepEqual(down().map((line) => JSON.parse(line).connector), [bad]);
  const { text } = await get(`${running.address}/metrics`);
  const state = (connector: string, value: number): string =>
    `turn_channels_turn_breaker_state{state="closed",connector="${connector}"} ${value}\n`;
  assert.ok(text.includes(state(good, 1)) && text.includes(state(bad, 0)), text);
  for (const once of ["process_cpu_seconds_total", "turn_channels_build_info{"]) {
    assert.equal(text.split(`\n${once}`).length, 2, once);
  }
  const { paths, webhooks } = JSON.parse((await get(`${running.address}/openapi.json`)).text);
  assert.equal(paths["/c0/messages"].post.operationId, "sendMessage");
  assert.equal(paths["/c1/messages"].post.operationId, "sendMessage2");
  const { schema } = webhooks.status.post.requestBody.content["application/json"];
  assert.equal(schema.anyOf.length, 2);
});

Deno.test({
  name: "promtool has nothing to say of the metrics of two channels" +
    (missing === undefined ? "" : ` (not run: ${missing})`),
  ignore: missing !== undefined,
  async fn() {
    await using several = await Several.prepare(2);
    await using running = await several.start();
    for (const channel of several.channels) {
      await channel.transport.sendInbound();
      await channel.turn.received(1);
      await sendTo(running.address, channel, "x");
    }
    const metrics = async () => (await get(`${running.address}/metrics`)).text;
    await until(
      "the queues",
      async () =>
        (await metrics()).split('queue_messages{queue="inbound",place="waiting"').length === 3,
    );
    assert.equal(await promtool(["check", "metrics"], { input: await metrics() }), undefined);
  },
});

Deno.test("parked is about all channels, or the one that --connector names", async () => {
  await using several = await Several.prepare(2);
  await using _running = await several.start();
  for (const [index, { turn, transport }] of several.channels.entries()) {
    turn.answer = () => new Response("{}", { status: 404 });
    for (const n of [1, 2]) await transport.sendInbound({ message_id: `m${index}${n}` });
  }
  for (const { transport } of several.channels) {
    await until("both to be parked", async () => await transport.depth("inbound.parked") === 2);
  }
  const { connector: first } = several.at(0);
  const { connector: second } = several.at(1);
  const { stdout } = await several.command("parked", "list");
  const rows = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0]?.slice(0, 2), ["connector", "queue"]);
  assert.deepEqual(
    rows.slice(1, 5).map(([connector, queue, _at, id]) => [connector, queue, id]),
    [
      [first, "inbound", "m01"],
      [first, "inbound", "m02"],
      [second, "inbound", "m11"],
      [second, "inbound", "m12"],
    ],
  );
  assert.deepEqual(rows[5], ["4 messages"]);
  const only = await several.command("parked", "list", "--json", `--connector=${second}`);
  const found = only.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(found.map(({ connector, id }) => [connector, id]), [
    [second, "m11"],
    [second, "m12"],
  ]);
  for (const { turn } of several.channels) turn.answer = () => Response.json({});
  const replay = await several.command("parked", "replay", `--connector=${first}`);
  assert.deepEqual([replay.code, replay.stdout], [EXIT.ok, "Replayed 2 messages.\n"]);
  await several.at(0).turn.received(4);
  assert.equal(several.at(1).turn.calls.length, 2);
  const discard = await several.command("parked", "discard", "--yes");
  assert.deepEqual([discard.code, discard.stdout], [EXIT.ok, "Deleted 2 messages.\n"]);
  for (const command of [["parked", "list"], ["audit"]]) {
    const wrong = await several.command(...command, "--connector=nobody");
    assert.deepEqual([wrong.code, wrong.stdout], [EXIT.usage, ""]);
    assert.ok(
      wrong.stderr.includes(`There is no channel nobody; --connector must be one of: ${first}`),
    );
  }
});

Deno.test("audit adds each channel up, from a cache that they share and the running program", async () => {
  await using several = await Several.prepare(2);
  await several.configure({
    message_cache_class: "DenoKvMessageCache",
    message_cache_config: { path: `${several.folder}/cache.kv` },
    admin_bind: `127.0.0.1:${freePort()}`,
  });
  await using _running = await several.start();
  for (const [index, channel] of several.channels.entries()) {
    for (let n = 0; n <= index; n++) await channel.transport.sendInbound({ from_addr: `+${n}` });
    await channel.turn.received(index + 1);
  }
  const [first, second] = several.channels.map(({ connector }) => connector);
  const parts = async (...flags: string[]) => {
    const { code, stdout } = await several.command("audit", ...flags);
    const both = stdout.split(`${second}\n`);
    return { code, first: both[0] ?? "", second: both[1] ?? "" };
  };
  const came = (count: number) => `✓ inbound: ${count} came, ${count} ended, 0 open`;
  await until("the counts", async () => {
    const { first, second } = await parts();
    return first.includes(came(1)) && second.includes(came(2));
  });
  const both = await parts();
  assert.equal(both.code, EXIT.ok);
  assert.ok(both.first.startsWith(`\n${first}\n`));
  assert.match(both.first, /^ {2}inbound: .*delivered 1$/m);
  assert.match(both.second, /^ {2}inbound: .*delivered 2$/m);
  const only = await parts(`--connector=${second}`);
  assert.ok(only.first.trim() === "" && only.second.includes(came(2)), only.first);
});

Deno.test("SIGHUP takes on a channel's new secret, and leaves the other channel alone", async () => {
  await using several = await Several.prepare(2);
  await using running = await several.start();
  const said = async (text: string, change: () => Promise<void>) => {
    const before = running.stderr().length;
    await change();
    running.signal("SIGHUP");
    const since = () => running.stderr().slice(before);
    await until(text, () => since().includes(text) && since().endsWith("\n"));
    return since().trimEnd().split("\n").filter((line) => line.includes("turn-channels.cli"))
      .map((line) => JSON.parse(line));
  };
  const [line] = await said(
    "reloaded",
    () => several.configure({}, (index) => index === 1 ? { turn_hmac_secret: "new" } : {}),
  );
  assert.deepEqual(line.changed, ["channels[1].turn_hmac_secret"]);
  const [first, second] = [several.at(0), several.at(1)];
  const status = async (channel: typeof first, secret = channel.secret) =>
    (await sendTo(running.address, { path: channel.path, secret }, "x")).status;
  assert.deepEqual([await status(first), await status(second)], [200, 401]);
  assert.equal(await status(second, "new"), 200);
  const [reloaded, waiting] = await said(
    "restart",
    () =>
      several.configure(
        { log_content: true },
        (index) => index === 1 ? { turn_hmac_secret: "newer" } : { connector_name: "another" },
      ),
  );
  assert.deepEqual(reloaded.changed, ["channels[1].turn_hmac_secret", "log_content"]);
  assert.deepEqual(waiting.waiting, ["channels"]);
  assert.deepEqual([await status(first), await status(second, "newer")], [200, 200]);
});

Deno.test("systemd-unit gives each channel its own secrets, under which it starts", async () => {
  await using several = await Several.prepare(2);
  const secretFile = (index: number) => `${several.folder}/hmac${index}`;
  for (const index of [0, 1]) await Deno.writeTextFile(secretFile(index), `secret-${index}\n`);
  await several.configure({}, (index) => ({
    turn_hmac_secret: undefined,
    turn_hmac_secret_file: secretFile(index),
  }));
  const { code, stdout } = await several.command("systemd-unit");
  assert.equal(code, EXIT.ok);
  for (const index of [0, 1]) {
    assert.ok(stdout.includes(`\nLoadCredential=turn-hmac-secret-${index}:${secretFile(index)}\n`));
  }
  const variables = [...stdout.matchAll(/^Environment=(\w+)=%d\/(.*)$/gm)];
  assert.deepEqual(variables.map(([, name, file]) => [name, file]), [
    ["CHANNELS_0_TURN_HMAC_SECRET_FILE", "turn-hmac-secret-0"],
    ["CHANNELS_1_TURN_HMAC_SECRET_FILE", "turn-hmac-secret-1"],
  ]);
  assert.doesNotMatch(stdout, /--(auth-token|turn-hmac-secret)/);
});
