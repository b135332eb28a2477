import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { askBridge } from "../../src/cli/running_bridge.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { Live } from "../support/live.ts";
import { Program } from "../support/program.ts";
import { atTerminal, noPty } from "../support/pty.ts";
import { until } from "../support/until.ts";

/** What it prints with what differs from run to run taken out; no line is longer than 80 columns. */
function steady(live: Live, shown: string): string {
  const text = shown.replaceAll(live.connector, "ussd").replaceAll("\r\n", "\n");
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  return text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME").replaceAll(
    live.address,
    "ADDRESS",
  )
    // On a slow machine the minute may be over; activity_test.ts is about it.
    .replaceAll(/^( {2}(?:outbound|inbound|statuses) +)\d(?= )/gm, "$1N");
}

async function statusUntil(live: Live, wanted: RegExp): Promise<{ code: number; shown: string }> {
  let last = { code: -1, shown: "" };
  await until(String(wanted), async () => {
    const { code, stdout } = await live.command(["status"]);
    last = { code, shown: steady(live, stdout) };
    return wanted.test(last.shown);
  }).catch(() => assert.fail(last.shown));
  return last;
}

const WELL = `\
turn-channels ${manifest.version} at ADDRESS
  now (UTC)  TIME, started TIME
  RabbitMQ   open since TIME
  cache      ok since TIME
  delayed    0, to be tried again

ussd (sms)
  speaker    this bridge speaks, since TIME
  Turn       works since TIME, took a call TIME
             last minute   last hour     waiting     in hand      parked
  outbound             N           1           0           -           -
  inbound              N           2           0           0           0
  statuses             N           0           0           0           0
  held                 -           -           0           -           0
  held SMS             -           -           0           -           -

✓ Nothing is wrong.
`;

Deno.test("status shows the running bridge on one screen, and what is wrong with the next command", async () => {
  await using live = await Live.prepare({ "max-retries": "0" });
  await using running = await live.start();
  for (const message_id of ["m1", "m2"]) await live.transport.sendInbound({ message_id });
  await live.turn.received(2);
  await live.send("Hi");
  const well = await statusUntil(
    live,
    / outbound {13}N {11}1 {11}0 [^]* inbound {14}N {11}2 {11}0 {11}0 /,
  );
  assert.deepEqual(well, { code: 0, shown: WELL });
  live.turn.answer = () => new Response(null, { status: 404 });
  await live.transport.sendInbound({ message_id: "refused" });
  await live.waiting("inbound.parked", 1);
  const parked = await statusUntil(live, / inbound .* 1\n/);
  assert.equal(parked.code, 1);
  assert.match(
    parked.shown,
    /\n\n✗ ussd: 1 message is parked of inbound,\s+for\s+a\s+person\s+to\s+look\s+at\.\n {2}turn-channels parked list --connector ussd --queue inbound\n$/,
  );
  live.turn.answer = () => new Response(null, { status: 503 });
  await Promise.all(
    Array.from(
      { length: 12 },
      (_, user) => live.transport.sendInbound({ message_id: `d${user}`, from_addr: `+${user}` }),
    ),
  );
  const down = await statusUntil(live, /Turn +down/);
  assert.equal(down.code, 1);
  assert.match(
    down.shown,
    /\n✗ ussd: Turn has been down\s+since[^.]* \d+ messages of users\s+wait\.\n {2}turn-channels explain TurnDown\n/,
  );
  const json = await live.command(["status"], ["--json"]);
  assert.equal(json.code, 1);
  const { channels: [channel], problems } = JSON.parse(json.stdout);
  assert.deepEqual([channel.connector, channel.turn.state], [live.connector, "down"]);
  assert.equal(problems[0].command, "turn-channels explain TurnDown");
  assert.equal(await running.stop("SIGTERM"), 0);
  const gone = await live.command(["status"]);
  assert.deepEqual([gone.code, gone.stdout], [1, ""]);
  assert.match(
    steady(live, gone.stderr),
    /^✗ No bridge answers at ADDRESS\/status: [^]*\n {2}systemctl status turn-channels\n$/,
  );
});

Deno.test({
  name: `status --watch shows it again at a terminal, over a unix socket, until a signal ${
    noPty() ?? ""
  }`
    .trim(),
  ignore: noPty() !== undefined,
  fn: async () => {
    await using live = await Live.prepare();
    await Deno.chmod(live.folder, 0o700);
    const admin = { "admin-bind": `unix:${live.folder}/admin.sock` };
    await using _running = await live.program(admin);
    const line = Program.fromSource().commandLine(["status", "--watch", ...live.args(admin)]);
    const { shown } = await atTerminal(`timeout --foreground -s INT 12 ${line}`, "");
    const screens = shown.split("\x1b[H\x1b[J").slice(1);
    assert.ok(screens.length >= 2, shown);
    for (const screen of screens) {
      assert.ok(
        screen.includes(`turn-channels ${manifest.version} at unix:${live.folder}/admin.sock`),
        shown,
      );
    }
  },
});

Deno.test("status says that what listens there does not answer", async () => {
  using hung = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = hung.addr as Deno.NetAddr;
  const flags = {
    "connector-name": "c",
    "default-from-addr": "1",
    "http-bind": `127.0.0.1:${port}`,
    "turn-hmac-secret": "h",
    "turn-api-url": "http://127.0.0.1:1",
    "auth-token": "t",
  };
  const loaded = await loadConfig({ flags, env: {} });
  assert.ok(loaded.kind === "ok");
  assert.deepEqual(await askBridge(loaded.config, "/status"), {
    url: `http://127.0.0.1:${port}/status`,
    reason: "something listens there, and has not answered within 3 s",
  });
});
