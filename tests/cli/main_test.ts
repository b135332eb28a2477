import assert from "node:assert/strict";
import { FakeTurn, send } from "../support/fake_turn.ts";
import { SECRET, TOKEN } from "../support/bridge.ts";
import { sign } from "../../src/turn/mod.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Program } from "../support/program.ts";
import { Transport } from "../support/transport.ts";
import { redisUrl } from "../support/redis.ts";
import { until } from "../support/until.ts";

/** All that is required, as flags. */
function flags(connector: string, turnUrl: string): string[] {
  return [
    `--connector-name=${connector}`,
    "--http-bind=127.0.0.1:0",
    `--turn-api-url=${turnUrl}`,
    `--auth-token=${TOKEN}`,
    `--turn-hmac-secret=${SECRET}`,
    "--default-from-addr=8110",
    `--amqp-url=${amqpUrl()}`,
  ];
}

Deno.test("faults of the configuration are reported at once, nothing else is, exit code 78", async () => {
  const args = [
    "--connector-name=c",
    "--http-bind=nowhere",
    "--auth-token=hunter2 ",
    "--max-retries=-1",
  ];
  const { code, stdout, stderr } = await Program.fromSource().output(args);
  assert.equal(code, 78);
  assert.equal(stdout, "");
  for (
    const key of [
      "http_bind",
      "turn_api_url",
      "default_from_addr",
      "auth_token",
      "turn_hmac_secret",
      "max_retries",
    ]
  ) {
    assert.match(stderr, new RegExp(`^ *${key}$`, "m"));
  }
  assert.match(stderr, /flag --http-bind/);
  assert.ok(!stderr.includes("hunter2"), stderr);
  assert.ok(!stderr.includes("    at "), stderr);
});

Deno.test("an unknown flag is a usage error with a suggestion, exit code 64", async () => {
  const { code, stderr } = await Program.fromSource().output(["--conector-name=c"]);
  assert.equal(code, 64);
  assert.match(stderr, /--connector-name/);
});

Deno.test("what stands behind a mistyped flag is not repeated", async () => {
  for (
    const args of [["--auth-tokn=hunter2"], ["--auth-tokn", "hunter2"], ["hunter2"], [
      "run",
      "hunter2",
    ], ["--turn-hmac-secret", "--auth-token", "hunter2"]]
  ) {
    const { code, stdout, stderr } = await Program.fromSource().output(args);
    assert.equal(code, 64, stderr);
    assert.ok(!`${stdout}${stderr}`.includes("hunter2"), stderr);
  }
});

Deno.test("a file that is no socket is left where it is, exit code 69", async () => {
  const path = await Deno.makeTempFile();
  const args = [...flags("c", "http://127.0.0.1:9"), `--http-bind=unix:${path}`];
  const { code, stderr } = await Program.fromSource().output(args);
  assert.equal(code, 69);
  assert.match(stderr, /not a socket/);
  await Deno.remove(path);
});

Deno.test("a socket file is listened on, also where a killed program left one", async () => {
  const folder = await Deno.makeTempDir();
  const args = [...flags("c", "http://127.0.0.1:9"), `--http-bind=unix:${folder}/socket`];
  await using first = await Program.fromSource().start(args);
  assert.equal(first.address, `unix:${folder}/socket`);
  await first.stop("SIGKILL");
  await using second = await Program.fromSource().start(args);
  assert.equal(await second.stop("SIGTERM"), 0);
  await Deno.remove(folder, { recursive: true });
});

for (const timeout of ["0", "0.3"]) {
  Deno.test(`a body that never ends does not keep SIGTERM, shutdown_timeout ${timeout}`, async () => {
    const args = [...flags("c", "http://127.0.0.1:9"), `--shutdown-timeout=${timeout}`];
    await using running = await Program.fromSource().start(args);
    const { hostname, port } = new URL(running.address);
    using _idle = await Deno.connect({ hostname, port: Number(port) });
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const head = "POST /messages HTTP/1.1\r\nHost: x\r\nX-Turn-Hook-Signature: x\r\n";
    await connection.write(new TextEncoder().encode(`${head}Content-Length: 50\r\n\r\n{`));
    await until(
      "health",
      async () =>
        (await fetch(`${running.address}/health`)).body?.cancel().then(() => true) ?? false,
    );
    assert.equal(await running.stop("SIGTERM"), 0);
    assert.match(running.stderr(), /"Stopped"/);
  });
}

Deno.test("--version and --help answer on standard output, exit code 0", async () => {
  const version = await Program.fromSource().output(["--version"]);
  assert.deepEqual([version.code, version.stderr], [0, ""]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+ \(commit unknown\)\n$/);
  const help = await Program.fromSource().output(["--help"]);
  assert.equal(help.code, 0);
  for (const word of ["run", "check", "demo"]) {
    assert.match(help.stdout, new RegExp(`^ +${word}`, "m"));
  }
  const run = await Program.fromSource().output(["run", "--help"]);
  assert.match(run.stdout, /--amqp-hostname/);
});

Deno.test("an address that is taken is told plainly, exit code 69", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const args = [...flags("c", "http://127.0.0.1:9"), `--http-bind=127.0.0.1:${taken.addr.port}`];
  const { code, stderr } = await Program.fromSource().output(args);
  assert.equal(code, 69);
  assert.match(stderr, /another program listens there already/);
  assert.ok(!stderr.includes("    at "), stderr);
});

Deno.test("the cache file that can't be opened is told plainly, exit code 69", async () => {
  const args = [
    ...flags("c", "http://127.0.0.1:9"),
    "--message-cache-class=DenoKvMessageCache",
    "--message-cache-config-path=/nowhere/at/all.kv",
  ];
  const { code, stderr } = await Program.fromSource().output(args);
  assert.equal(code, 69);
  assert.match(stderr, /\/nowhere\/at\/all\.kv/);
});

async function health(address: string): Promise<string> {
  return (await (await fetch(`${address}/health`)).json()).health;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`one message each way, then ${signal}: exit code 0`, async () => {
    await using turn = FakeTurn.start({ authToken: TOKEN });
    const connector = `test-${crypto.randomUUID()}`;
    await using transport = await Transport.connect(connector);
    await using running = await Program.fromSource().start(flags(connector, turn.url));
    await transport.sendInbound({ message_id: "m1" });
    await turn.received(1);
    await until(
      "health",
      async () => await health(running.address) === "ok",
    );
    const url = `${running.address}/messages`;
    const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
    const response = await send(url, body, { secret: SECRET });
    assert.equal(response.status, 200, await response.text());
    await transport.received(1);
    assert.equal(await running.stop(signal), 0);
  });
}

for (const level of ["DEBUG", "INFO"]) {
  Deno.test(`secrets, signatures and contents are in no line of the log at ${level}`, async () => {
    await using turn = FakeTurn.start({ authToken: TOKEN });
    const connector = `test-${crypto.randomUUID()}`;
    await using transport = await Transport.connect(connector);
    await using running = await Program.fromSource().start([
      ...flags(connector, turn.url),
      `--log-level=${level}`,
      "--retry-delay-base=0",
    ]);
    // What Turn says of a failure that is tried again is a line at DEBUG.
    const statuses = [500];
    turn.answer = () => new Response("bad: what a user wrote", { status: statuses.pop() ?? 422 });
    await transport.sendInbound({ content: "what a user wrote" });
    await transport.take("inbound.parked");
    const body = { to: "+2", turn: { type: "text", text: { body: "what Turn wrote" } } };
    const secrets = [SECRET, "wrong"];
    for (const secret of secrets) {
      await (await send(`${running.address}/messages`, body, { secret })).text();
    }
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const signatures = secrets.map((secret) => sign(secret, bytes));
    await running.stop("SIGTERM");
    const log = running.stderr();
    assert.match(log, /Parked/);
    assert.equal(log.includes("Turn's answer about"), level === "DEBUG", log);
    for (
      const secret of [SECRET, TOKEN, "guest:guest", ...signatures, "user wrote", "Turn wrote"]
    ) {
      assert.ok(!log.includes(secret), `${secret} is in the log`);
    }
  });
}

Deno.test("amqp_url memory: needs no broker", async () => {
  const args = [...flags("c", "http://127.0.0.1:9"), "--amqp-url=memory:"];
  await using running = await Program.fromSource().start(args);
  assert.equal(await health(running.address), "ok");
  const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
  const response = await send(`${running.address}/messages`, body, { secret: SECRET });
  assert.equal(response.status, 200, await response.text());
  assert.equal(await running.stop("SIGTERM"), 0);
});

Deno.test("killed after its answer, the program still knows the message's events", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const connector = `test-${crypto.randomUUID()}`;
  await using transport = await Transport.connect(connector);
  const folder = await Deno.makeTempDir();
  const args = [
    ...flags(connector, turn.url),
    "--message-cache-class=vumi2.message_caches.DenoKvMessageCache",
    `--message-cache-config-path=${folder}/cache.kv`,
  ];
  await using first = await Program.fromSource().start(args);
  await until("health", async () => await health(first.address) === "ok");
  const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
  const answer = await send(`${first.address}/messages`, body, { secret: SECRET });
  const { messages: [{ id }] } = await answer.json();
  await first.stop("SIGKILL");
  await using second = await Program.fromSource().start(args);
  await transport.sendEvent({ user_message_id: id, event_type: "ack", sent_message_id: "p" });
  const [call = assert.fail()] = await turn.received(1);
  assert.equal((call.body as { user_message_id: string }).user_message_id, id);
  await second.stop("SIGTERM");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("check finds nothing to fix where all is well, exit code 0", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const connector = `test-${crypto.randomUUID()}`;
  await using _transport = await Transport.connect(connector);
  const { code, stdout } = await Program.fromSource().output([
    "check",
    ...flags(connector, turn.url),
  ]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${connector}.inbound`));
  assert.ok(!stdout.includes("✗") && !stdout.includes(TOKEN) && !stdout.includes(SECRET));
});

Deno.test("check names a fix for each finding, exit code 1", async () => {
  const { code, stdout } = await Program.fromSource().output([
    "check",
    ...flags("c", "http://127.0.0.1:9"),
    "--amqp-url=amqp://guest:hunter2@127.0.0.1:9",
    "--message-cache-class=DenoKvMessageCache",
    "--message-cache-config-path=/nowhere/at/all.kv",
  ]);
  assert.equal(code, 1);
  assert.ok(stdout.split("✗").length - 1 >= 3, stdout);
  assert.ok(!stdout.includes("hunter2"), stdout);
});

Deno.test("check tries the Redis that is named, and names no password", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const connector = `test-${crypto.randomUUID()}`;
  await using _transport = await Transport.connect(connector);
  const checkAt = (url: string) =>
    Program.fromSource().output([
      "check",
      ...flags(connector, turn.url),
      "--message-cache-class=RedisMessageCache",
      `--message-cache-config-url=${url}`,
    ]);
  const found = await checkAt(redisUrl());
  assert.equal(found.code, 0, found.stdout);
  assert.match(found.stdout, new RegExp(`keep messages in +${redisUrl()};`));
  const missed = await checkAt("redis://:hunter2@127.0.0.1:9");
  assert.equal(missed.code, 1);
  assert.match(missed.stdout, /✗.*cache on Redis\s+at/);
  assert.ok(!`${missed.stdout}${missed.stderr}`.includes("hunter2"), missed.stdout);
});

Deno.test("run remembers on Redis what it sent, across a kill and in another process", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  const connector = `test-${crypto.randomUUID()}`;
  await using transport = await Transport.connect(connector);
  const args = [
    ...flags(connector, turn.url),
    "--message-cache-class=RedisMessageCache",
    `--message-cache-config-url=${redisUrl()}`,
    `--message-cache-config-key-prefix=${connector}:`,
  ];
  await using first = await Program.fromSource().start(args);
  await until("health", async () => await health(first.address) === "ok");
  const body = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };
  const answer = await send(`${first.address}/messages`, body, { secret: SECRET });
  const { messages: [{ id }] } = await answer.json();
  await first.stop("SIGKILL");
  await using second = await Program.fromSource().start(args);
  await transport.sendEvent({ user_message_id: id, event_type: "ack", sent_message_id: "p" });
  const [call = assert.fail()] = await turn.received(1);
  assert.equal((call.body as { user_message_id: string }).user_message_id, id);
  await second.stop("SIGTERM");
});
