import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type AmqpFinding, checkAmqp } from "../../src/broker/amqp_check.ts";
import { brokerChoice } from "../support/broker_choice.ts";
import { amqpUrl, makesQuorumQueues, noRabbitmqctl, rabbitmqctl } from "../support/rabbitmq.ts";
import { sendTo, startProxy, withChannel } from "./amqp_support.ts";

/** Names of this test's own things on the server; they are removed in the end. */
interface Names extends AsyncDisposable {
  readonly exchange: string;
  readonly inbound: string;
  readonly outbound: string;
}

function names(): Names {
  const exchange = `test.${crypto.randomUUID()}`;
  const [inbound, outbound] = [`${exchange}.inbound`, `${exchange}.outbound`];
  return {
    exchange,
    inbound,
    outbound,
    [Symbol.asyncDispose]: () =>
      withChannel(async (channel) => {
        await channel.deleteQueue(inbound);
        for (const delay of ["5s", "60s"]) await channel.deleteQueue(`${inbound}.delay.${delay}`);
        await channel.deleteQueue(outbound);
        await channel.deleteExchange(exchange);
      }),
  };
}

function check(url: string, { exchange, inbound, outbound }: Names, timeoutMs = 30_000) {
  const queues = { consumeQueues: [inbound], publishQueues: [outbound] };
  const others = { ownQueues: [], delaysMs: [5_000, 60_000], oldQueues: [] };
  return checkAmqp({ urls: [url], exchange, ...queues, ...others, timeoutMs });
}

/** The shared server's address, changed. */
function address(change: Partial<Record<"username" | "password" | "pathname" | "port", string>>) {
  const url = new URL(amqpUrl());
  Object.assign(url, change);
  return url.href;
}

function only(findings: AmqpFinding[]): AmqpFinding {
  assert.equal(findings.length, 1);
  const [finding] = findings;
  assert.ok(finding);
  assert.equal(finding.ok, false);
  return finding;
}

Deno.test("checkAmqp() finds all well, and leaves messages where they are", async () => {
  await using made = names();
  await check(amqpUrl(), made);
  await sendTo(made.inbound, ["a", "b"]);
  const findings = await check(amqpUrl(), made);
  assert.deepEqual(findings.map(({ subject, ok }) => [subject.replace(/at .*/, "at"), ok]), [
    ["RabbitMQ at", true],
    [`exchange ${made.exchange}: declare`, true],
    [`queue ${made.inbound}: declare`, true],
    [`queue ${made.outbound}: declare`, true],
    [`delays of ${made.inbound}: declare`, true],
    [`queue ${made.inbound}: consume`, true],
    [`exchange ${made.exchange}: publish`, true],
  ]);
  assert.match(findings[0]?.detail ?? "", /^RabbitMQ \d/);
  assert.deepEqual(findings.filter(({ fix }) => fix !== undefined), []);
  const left = await withChannel(async (channel) => {
    const [first, second] = [await channel.get(made.inbound), await channel.get(made.inbound)];
    const outbound = await channel.get(made.outbound);
    return [first && first.content.toString(), second && second.content.toString(), outbound];
  });
  assert.deepEqual(left, ["a", "b", false]);
});

Deno.test("checkAmqp() tells of a wrong password, without showing it", async () => {
  await using made = names();
  const finding = only(await check(address({ password: "wr0ng" }), made));
  assert.match(finding.detail, /refused the user or the password/);
  assert.match(finding.fix ?? "", /change_password/);
  assert.doesNotMatch(JSON.stringify(finding), /wr0ng/);
});

Deno.test("checkAmqp() tells of a virtual host that is not there", async () => {
  await using made = names();
  const finding = only(await check(address({ pathname: "/no%20where" }), made));
  assert.match(finding.detail, /refused the virtual host "no where"/);
  assert.match(finding.fix ?? "", /add_vhost no where/);
});

Deno.test("checkAmqp() tells that nobody listens", async () => {
  await using made = names();
  await using proxy = startProxy();
  await proxy.refuse();
  const finding = only(await check(address({ port: `${proxy.port}` }), made));
  assert.match(finding.detail, /ECONNREFUSED/);
  assert.match(finding.fix ?? "", /start RabbitMQ/);
});

Deno.test("checkAmqp() tells of a server that is silent, in time", async () => {
  await using made = names();
  await using proxy = startProxy();
  proxy.stall();
  const finding = only(await check(address({ port: `${proxy.port}` }), made, 500));
  assert.equal(finding.detail, "no answer within 0.5 seconds");
  assert.match(finding.fix ?? "", /firewall/);
});

Deno.test("checkAmqp() tells of a server that falls silent later, in time", async () => {
  await using made = names();
  await using proxy = startProxy();
  proxy.stallOn(made.inbound);
  const findings = await check(address({ port: `${proxy.port}` }), made, 1500);
  assert.equal(findings[0]?.ok, true);
  assert.equal(findings.at(-1)?.ok, false);
  assert.match(findings.at(-1)?.detail ?? "", /no answer within 1.5 seconds/);
});

Deno.test("checkAmqp() tells of a port that speaks something else", async () => {
  await using made = names();
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(),
  );
  const finding = only(await check(`amqp://127.0.0.1:${http.addr.port}`, made));
  assert.match(finding.fix ?? "", /something else than AMQP/);
});

Deno.test("checkAmqp() tells of TLS where there is none", async () => {
  await using made = names();
  const finding = only(await check(address({}).replace("amqp:", "amqps:"), made));
  assert.match(finding.fix ?? "", /does not speak TLS/);
});

Deno.test("checkAmqp() takes queues as an operator made them, and says how they differ", async () => {
  await using made = names();
  const durable = { durable: true };
  await withChannel(async (channel) => {
    await channel.assertExchange(made.exchange, "direct", { ...durable, alternateExchange: "x" });
    await channel.assertQueue(made.inbound, {
      ...durable,
      arguments: { "x-queue-type": "quorum" },
    });
    await channel.assertQueue(made.outbound, { ...durable, maxLength: 5 });
  });
  const findings = await check(amqpUrl(), made);
  assert.deepEqual(findings.filter(({ ok }) => !ok), []);
  const details = findings.map(({ detail }) => detail).join();
  // Where queues are quorum queues by default, one that was asked for is none that differs.
  const type = makesQuorumQueues(brokerChoice()) ? [] : ["x-queue-type"];
  for (const argument of ["alternate-exchange", ...type, "x-max-length"]) {
    assert.match(details, new RegExp(`there \\(PRECONDITION_FAILED.*'${argument}'`));
  }
});

Deno.test("checkAmqp() counts what waits in delay queues, and declares them as the program does", async () => {
  await using made = names();
  await check(amqpUrl(), made);
  const arguments_ = {
    "x-message-ttl": 60_000,
    "x-dead-letter-exchange": made.exchange,
    "x-dead-letter-routing-key": made.inbound,
  };
  await withChannel(async (channel) => {
    const queue = `${made.inbound}.delay.60s`;
    await channel.assertQueue(queue, { durable: true, arguments: arguments_ });
    channel.sendToQueue(queue, Buffer.from("a"));
    await channel.checkQueue(queue);
  });
  const findings = await check(amqpUrl(), made);
  const delays = findings.find(({ subject }) => subject.startsWith("delays"));
  assert.deepEqual([delays?.ok, delays?.detail], [true, "2 queues, 1 waiting"]);
});

Deno.test("checkAmqp() tells of a delay queue that others have declared, and what to do", async () => {
  await using made = names();
  await withChannel((channel) =>
    channel.assertQueue(`${made.inbound}.delay.60s`, { durable: true, messageTtl: 1 })
  );
  const [fault = assert.fail()] = (await check(amqpUrl(), made)).filter(({ ok }) => !ok);
  assert.equal(fault.subject, `delays of ${made.inbound}: declare`);
  assert.match(fault.detail, /^PRECONDITION_FAILED.*\.delay\.60s/);
  assert.match(fault.fix ?? "", /wait until it is empty and delete it/);
});

Deno.test("checkAmqp() tells of a queue that loses messages", async () => {
  await using made = names();
  await withChannel((channel) => channel.assertQueue(made.inbound, { durable: false }));
  const failed = (await check(amqpUrl(), made)).filter(({ ok }) => !ok);
  assert.deepEqual(failed.map(({ subject }) => subject), [`queue ${made.inbound}: declare`]);
  assert.match(failed[0]?.detail ?? "", /^PRECONDITION_FAILED.*durable/);
  assert.match(failed[0]?.fix ?? "", /no arguments/);
});

for (const type of ["fanout", "topic", "headers"]) {
  Deno.test(`checkAmqp() tells of an exchange of type ${type}, and does nothing with it`, async () => {
    await using made = names();
    await withChannel((channel) => channel.assertExchange(made.exchange, type, { durable: true }));
    const [node, fault = assert.fail(), ...others] = await check(amqpUrl(), made);
    assert.deepEqual([node?.ok, fault.ok, others], [true, false, []]);
    assert.equal(fault.subject, `exchange ${made.exchange}: declare`);
    const text = `exchange ${made.exchange} is of type ${type}; vumi's is direct: delete it`;
    assert.ok(fault.detail.startsWith(text), fault.detail);
    assert.match(fault.fix ?? "", /management page/);
  });
}

const why = noRabbitmqctl();
const suffix = why ? ` (${why})` : "";

Deno.test({
  name: `checkAmqp() tells each right that is missing${suffix}`,
  ignore: why !== undefined,
  async fn() {
    await using made = names();
    await check(amqpUrl(), made); // Declares everything.
    const user = `limited-${crypto.randomUUID()}`;
    await rabbitmqctl("add_user", user, "pw");
    const url = address({ username: user, password: "pw" });
    const failing = async (...rights: string[]) => {
      await rabbitmqctl("set_permissions", user, ...rights);
      const failed = (await check(url, made)).filter(({ ok }) => !ok);
      for (const { ok, detail, fix } of failed) {
        assert.match(detail, ok === false ? /^ACCESS_REFUSED/ : /no right to bind it: taken as/);
        assert.match(fix ?? "", new RegExp(`set_permissions -p / ${user}`));
      }
      return failed.map(({ subject }) => subject.replaceAll(made.exchange, "x"));
    };
    try {
      assert.deepEqual(await failing(".*", ".*", ".*"), []);
      // What is there needs no right to be declared; our own queues are, for their arguments' sake.
      assert.deepEqual(await failing("^$", ".*", ".*"), ["delays of x.inbound: declare"]);
      assert.deepEqual(await failing(".*", "bound$", ".*"), ["exchange x: publish"]);
      assert.deepEqual(await failing(".*", `^${made.exchange}$`, ".*"), [
        "queue x.inbound: declare", // Taken as bound.
        "queue x.outbound: declare",
      ]);
      assert.deepEqual(await failing(".*", ".*", `^${made.exchange}$`), [
        "queue x.inbound: consume",
      ]);
    } finally {
      await rabbitmqctl("delete_user", user);
    }
  },
});
