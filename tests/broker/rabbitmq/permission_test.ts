import assert from "node:assert/strict";
import { amqpUrl } from "../../support/rabbitmq.ts";

Deno.test("checkAmqp() tells that Deno has not been given the permission", async () => {
  const program = `
    import { checkAmqp } from ${
    JSON.stringify(import.meta.resolve("../../../src/broker/rabbitmq/check/check.ts"))
  };
    const queues = { exchange: "vumi", consumeQueues: [], publishQueues: [], timeoutMs: 10_000 };
    const findings = await checkAmqp({ urls: [${JSON.stringify(amqpUrl())}], ...queues });
    console.log(JSON.stringify(findings));
    Deno.exit();`;
  const { stdout, stderr } = await runWithoutNet(program);
  const [finding] = JSON.parse(stdout || "[]");
  const { host } = new URL(amqpUrl());
  assert.equal(
    finding?.detail,
    `this program has no permission to reach ${host}: it needs --allow-net=${host}`,
    stderr,
  );
});

async function runWithoutNet(program: string): Promise<{ stdout: string; stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-env", "--allow-read", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
