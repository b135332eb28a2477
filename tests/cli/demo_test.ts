/**
 * `demo` as a person starts it, with the permissions that it is given.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../src/cli/exit_codes.ts";
import { PageClient } from "../support/page_client.ts";
import { Transcript } from "../support/transcript.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function demo(args: readonly string[]): Deno.ChildProcess {
  const permissions = [
    "--no-prompt",
    ...["net", "read", "write", "env"].map((x) => `--allow-${x}`),
  ];
  return start(["run", "--quiet", ...permissions, "src/main.ts", "demo", ...args]);
}

function start(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function outcome(
  process: Deno.ChildProcess,
): Promise<{ code: number; err: string; out: string }> {
  const [{ code }, out, err] = await Promise.all([
    process.status,
    process.stdout.text(),
    process.stderr.text(),
  ]);
  return { code, out, err };
}

Deno.test("demo --once plays the script, and prints nothing else", async () => {
  const { code, out, err } = await outcome(demo(["--once", "--port", "0"]));
  assert.equal(err, "");
  assert.deepEqual(out.match(/^[✓✗] \w+/gm), ["✓ inbound", "✓ outbound", "✓ statuses"]);
  assert.ok(!out.includes("\x1b"), "escape codes, and no terminal");
  assert.ok(!out.includes("Ctrl-C"), "an invitation to stay");
  assert.equal(code, EXIT.ok);
});

Deno.test("demo --once fails when a flow does, and names it", async () => {
  const module = new URL("../../src/cli/demo.ts", import.meta.url);
  const script = `import { demo } from "${module}";
    const answer = ({ path }) => new Response(null, { status: path === "/statuses" ? 400 : 200 });
    Deno.exit(await demo({ once: true, port: 0, answer }));`;
  const { code, out } = await outcome(start(["eval", script]));
  assert.deepEqual(out.match(/^[✓✗] \w+/gm)?.slice(-3), ["✓ inbound", "✓ outbound", "✗ statuses"]);
  assert.equal(code, EXIT.findings);
});

Deno.test("demo takes a free port when its own is taken", async () => {
  using _taken = take(8080);
  const { code, out } = await outcome(demo(["--once"]));
  assert.match(out, /^Port 8080 is not available, so a free one is used\.$/m);
  assert.equal(code, EXIT.ok);
});

Deno.test("demo --port takes no other port", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, out, err } = await outcome(demo(["--once", "--port", `${taken.addr.port}`]));
  assert.equal(out, "");
  assert.ok(err.includes(`127.0.0.1:${taken.addr.port}`), err);
  assert.equal(code, EXIT.unavailable);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`demo stays up until ${signal}`, async () => {
    await using process = demo(["--port", "0"]);
    const stdout = new Transcript(process.stdout);
    const [, address] = await stdout.waitFor(/at (http:\S+)\/messages\. Ctrl-C/);
    const health = await fetch(`${address}/health`);
    await health.body?.cancel();
    assert.equal(health.status, 200);
    process.kill(signal);
    assert.equal(await process.stderr.text(), "");
    assert.equal((await process.status).code, EXIT.ok);
    await stdout.ended;
  });
}

Deno.test("demo serves the page, also for those who only have its address", async () => {
  await using process = demo(["--port", "0", "--page-port", "0"]);
  const stdout = new Transcript(process.stdout);
  const [, url = ""] = await stdout.waitFor(/in a browser: (http:\/\/127\.0\.0\.1:\d+\/)\n/);
  await stdout.waitFor(/Ctrl-C/);
  const page = await fetch(url);
  assert.match(await page.text(), /<title>turn-channels: the handset<\/title>/);
  await using client = await PageClient.open(url);
  await client.act({ do: "text", address: "+26612345678", text: "Hi there" });
  await client.hears({ kind: "said", by: "service", text: "You wrote: Hi there" });
  process.kill("SIGTERM");
  assert.equal(await process.stderr.text(), "");
  assert.equal((await process.status).code, EXIT.ok);
  await stdout.ended;
});

Deno.test("demo serves the page on a free port when its own is taken", async () => {
  using _taken = take(8090);
  await using process = demo(["--port", "0"]);
  const stdout = new Transcript(process.stdout);
  const [, port] = await stdout.waitFor(/in a browser: http:\/\/127\.0\.0\.1:(\d+)\//);
  assert.notEqual(port, "8090");
  process.kill("SIGTERM");
  await process.stderr.cancel();
  await process.status;
  await stdout.ended;
});

Deno.test("demo --page-port takes no other port", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, err } = await outcome(demo(["--port", "0", "--page-port", `${taken.addr.port}`]));
  assert.ok(err.includes(`Cannot serve the page on 127.0.0.1:${taken.addr.port}`), err);
  assert.equal(code, EXIT.unavailable);
});

Deno.test("demo says what it means to serve the page for others", async () => {
  await using process = demo(["--port", "0", "--page-port", "0", "--page-host", "0.0.0.0"]);
  const stdout = new Transcript(process.stdout);
  await stdout.waitFor(/Anyone who can reach 0\.0\.0\.0 can use the page/);
  process.kill("SIGTERM");
  await process.stderr.cancel();
  await process.status;
  await stdout.ended;
});

Deno.test("demo refuses a port that is none", async () => {
  const { code, out } = await outcome(demo(["--once", "--port=65536"]));
  assert.equal(out, "");
  assert.equal(code, EXIT.usage);
});

/** Listens on a port of 127.0.0.1, if nobody does yet. */
function take(port: number): Disposable {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return { [Symbol.dispose]: () => {} };
    throw error;
  }
}
