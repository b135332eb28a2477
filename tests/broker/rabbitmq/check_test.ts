import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { GetMessage } from "amqplib";
import { type AmqpCheckOptions, checkAmqp } from "../../../src/broker/rabbitmq/check/check.ts";
import { delayQueue } from "../../../src/broker/mod.ts";
import type { Finding } from "../../../src/telemetry/mod.ts";
import { areQuorum, isByHand } from "../../support/queues.ts";
import { amqpUrl, noRabbitmqctl, rabbitmqctl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { sendTo, startProxy, withChannel } from "./support.ts";

/** Names of this test's own things on the server; they are removed in the end. */
interface Names extends AsyncDisposable {
  readonly exchange: string;
  readonly inbound: string;
  readonly outbound: string;
  readonly parked: string;
  readonly lead: string;
  /** Delay queues are shared by all: nobody else has these. */
  readonly delaysMs: readonly number[];
  /** As findings call them. */
  readonly delays: string;
}

function names(): Names {
  const exchange = `test.${crypto.randomUUID()}`;
  const [inbound, outbound] = [`${exchange}.inbound`, `${exchange}.outbound`];
  const [parked, lead] = [`${inbound}.parked`, `${exchange}.lead`];
  const seconds = 1_000_000 + Math.floor(Math.random() * 1_000_000);
  const delaysMs = [seconds * 1_000, 2 * seconds * 1_000];
  return {
    exchange,
    inbound,
    outbound,
    parked,
    lead,
    delaysMs,
    delays: `delays: ${seconds}s, ${2 * seconds}s`,
    [Symbol.asyncDispose]: () =>
      withChannel(async (channel) => {
        for (const queue of [inbound, outbound, parked, lead]) await channel.deleteQueue(queue);
        for (const name of delaysMs.map(delayQueue)) {
          await channel.deleteQueue(name);
          await channel.deleteExchange(name);
        }
        await channel.deleteExchange(exchange);
      }),
  };
}

function check(url: string, made: Names, more: Partial<AmqpCheckOptions> = {}) {
  const { exchange, inbound, outbound, parked, lead, delaysMs } = made;
  return checkAmqp({
    urls: [url],
    exchange,
    consumeQueues: [inbound],
    publishQueues: [outbound],
    ownQueues: [parked],
    leadQueues: [{ connector: exchange, queue: lead }],
    delaysMs: delaysMs.toReversed(),
    timeoutMs: 30_000,
    ...more,
  });
}

/** The shared server's address, changed. */
function address(change: Partial<Record<"username" | "password" | "pathname" | "port", string>>) {
  const url = new URL(amqpUrl());
  Object.assign(url, change);
  return url.href;
}

function only(findings: Finding[]): Finding {
  assert.equal(findings.length, 1);
  const [finding] = findings;
  assert.ok(finding);
  assert.equal(finding.ok, false);
  return finding;
}

Deno.test("checkAmqp() finds all well, and takes no message, not even for a moment", async () => {
  await using made = names();
  await check(amqpUrl(), made);
  await sendTo(made.inbound, ["a", "b"]);
  const findings = await check(amqpUrl(), made);
  assert.deepEqual(findings.map(({ subject, ok }) => [subject.replace(/at .*/, "at"), ok]), [
    ["RabbitMQ at", true],
    [`exchange ${made.exchange}: declare`, true],
    [`queue ${made.inbound}: declare`, true],
    [`queue ${made.outbound}: declare`, true],
    [`queue ${made.parked}: declare`, true],
    [`queue ${made.lead}: declare`, true],
    [made.delays, true],
    [`queue ${made.inbound}: consume`, true],
    [`queue ${made.lead}: consume`, true],
    [`channel ${made.exchange}`, true],
    [`exchange ${made.exchange}: publish`, true],
    ["default exchange: publish", true],
  ]);
  assert.match(findings[0]?.detail ?? "", /^RabbitMQ \d/);
  assert.deepEqual(findings.filter(({ fix }) => fix !== undefined), []);
  const left = await withChannel(async (channel) => {
    const [first, second] = [await channel.get(made.inbound), await channel.get(made.inbound)];
    const outbound = await channel.get(made.outbound);
    return [...[first, second].map(asLeft), outbound];
  });
  // What was taken and put back would be marked so, and a quorum queue would have counted it.
  assert.deepEqual(left, ["a, new", "b, new", false]);
});

function asLeft(message: GetMessage | false): string {
  if (message === false) return "gone";
  const { content, fields, properties } = message;
  const count = properties.headers?.["x-delivery-count"] ?? 0;
  return `${content}, ${fields.redelivered || count > 0 ? "seen before" : "new"}`;
}

Deno.test("checkAmqp() makes nothing if it is only to look, and tells what is there", async () => {
  await using made = names();
  const connectors = new Map([[made.inbound, "ussd"]]);
  const look = () => check(amqpUrl(), made, { isDry: true, connectors });
  const said = (findings: Finding[]) =>
    findings.slice(1).map(({ channel, subject, ok, detail }) => [channel, subject, ok, detail]);
  const missing = "is not there yet; a start, or check, makes it";
  const queues = [made.inbound, made.outbound, made.parked, made.lead];
  const delays = made.delaysMs.map(delayQueue);
  const nothing = [
    [undefined, `exchange ${made.exchange}`, undefined, missing],
    ...[...queues, ...delays].map((queue) => [
      queue === made.inbound ? "ussd" : undefined,
      `queue ${queue}`,
      undefined,
      missing,
    ]),
  ];
  assert.deepEqual(said(await look()), nothing);
  assert.deepEqual(said(await look()), nothing, "it has made something");
  await check(amqpUrl(), made);
  await sendTo(made.inbound, ["{}"]);
  const found = said(await look());
  assert.ok(found.every(([, , ok]) => ok === true), JSON.stringify(found));
  assert.deepEqual(found[1], ["ussd", `queue ${made.inbound}`, true, "is there, 1 waiting"]);
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
  assert.match(finding.fix ?? "", /add_vhost 'no where'; .* -p 'no where' /);
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
  const finding = only(await check(address({ port: `${proxy.port}` }), made, { timeoutMs: 500 }));
  assert.equal(finding.detail, "no answer within 0.5 seconds");
  assert.match(finding.fix ?? "", /firewall/);
});

Deno.test("checkAmqp() tells of a server that falls silent later, in time", async () => {
  await using made = names();
  await using proxy = startProxy();
  proxy.stallOn(made.inbound);
  const findings = await check(address({ port: `${proxy.port}` }), made, { timeoutMs: 1500 });
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
  assert.match(finding.fix ?? "", /something other than AMQP/);
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
    await channel.assertQueue(made.outbound, {
      ...durable,
      maxLength: 5,
      overflow: "reject-publish",
    });
  });
  const findings = await check(amqpUrl(), made);
  assert.deepEqual(findings.filter(({ ok }) => !ok), []);
  const detailOf = (queue: string): string =>
    findings.find(({ subject }) => subject === `queue ${queue}: declare`)?.detail ?? "";
  assert.match(
    findings[1]?.detail ?? "",
    /^exists, but differs \(PRECONDITION_FAILED.*'alternate-exchange'/,
  );
  assert.match(detailOf(made.inbound), /^quorum, bound, 0 waiting$/);
  assert.match(
    detailOf(made.outbound),
    /^(classic|quorum) with x-max-length 5, x-overflow reject-publish, bound, 0 waiting$/,
  );
});

Deno.test("checkAmqp() tells the types of our own queues, and what waits in delay queues", async () => {
  await using made = names();
  for (const queueType of ["classic", "quorum"] as const) {
    const find = await check(amqpUrl(), made, { queueType });
    const [parked, delays] = [`queue ${made.parked}: declare`, made.delays]
      .map((name) => find.find(({ subject }) => subject === name));
    assert.equal(parked?.detail, `${queueType}, 0 waiting`);
    assert.match(
      delays?.detail ?? "",
      new RegExp(`^${queueType}, shared by all channels, 0 waiting`),
    );
    assert.equal(/is lost/.test(delays?.detail ?? ""), queueType === "classic");
    await withChannel(async (channel) => {
      channel.publish(delayQueue(made.delaysMs[0] ?? 0), made.inbound, Buffer.from("a"));
      await channel.checkQueue(made.inbound);
    });
    await until("one to wait", async () => {
      const again = await check(amqpUrl(), made, { queueType });
      return again.some(({ subject, detail }) =>
        subject === made.delays && detail.includes(", 1 waiting")
      );
    });
    await withChannel(async (channel) => {
      await channel.deleteQueue(made.parked);
      for (const delayMs of made.delaysMs) await channel.deleteQueue(delayQueue(delayMs));
    });
  }
});

Deno.test("checkAmqp() warns of a queue that refuses what comes back from a classic delay queue", async () => {
  await using made = names();
  const limited = {
    durable: true,
    arguments: { "x-max-length": 5, "x-overflow": "reject-publish" },
  };
  await withChannel((channel) => channel.assertQueue(made.inbound, limited));
  const limits = async (queueType: "classic" | "quorum"): Promise<Finding[]> =>
    (await check(amqpUrl(), made, { queueType }))
      .filter(({ subject }) => subject === `queue ${made.inbound}: limit`);
  const [warning = assert.fail(), ...others] = await limits("classic");
  assert.deepEqual([warning.ok, others], [undefined, []]);
  assert.match(warning.fix ?? "", /amqp\.queue_type/);
  await withChannel(async (channel) => {
    for (const delayMs of made.delaysMs) await channel.deleteQueue(delayQueue(delayMs));
  });
  assert.deepEqual(await limits("quorum"), []);
});

Deno.test("checkAmqp() tells of a delay queue that others have declared, and what to do", async () => {
  await using made = names();
  await withChannel((channel) =>
    channel.assertQueue(delayQueue(made.delaysMs[0] ?? 0), { durable: true, messageTtl: 1 })
  );
  const [fault = assert.fail()] = (await check(amqpUrl(), made)).filter(({ ok }) => !ok);
  assert.equal(fault.subject, made.delays);
  assert.match(fault.detail, /^PRECONDITION_FAILED.*\.delay\.\d+s/);
  assert.match(fault.fix ?? "", /wait until it is empty and delete it/);
});

Deno.test("checkAmqp() tells of a queue that can't show who leads, and what to do", async () => {
  await using made = names();
  await withChannel((channel) => channel.assertQueue(made.lead, { durable: true }));
  const [fault = assert.fail()] = (await check(amqpUrl(), made)).filter(({ ok }) => !ok);
  assert.equal(fault.subject, `queue ${made.lead}: declare`);
  assert.match(fault.detail, /without x-single-active-consumer/);
  assert.match(fault.fix ?? "", /stop them and delete it; they declare it again/);
});

Deno.test("checkAmqp() tells whether a bridge speaks for a channel, and how many stand by", async () => {
  await using made = names();
  const own = isByHand() ? { queueType: "quorum" } as const : {};
  const told = async (): Promise<string | undefined> =>
    (await check(amqpUrl(), made, own)).find(({ subject }) =>
      subject === `channel ${made.exchange}`
    )
      ?.detail;
  assert.equal(await told(), "no bridge speaks for it now: none runs");
  await withChannel(async (channel) => {
    await channel.consume(made.lead, () => {});
    assert.match(
      await told() ?? "",
      areQuorum() ? /^one .*; how many/ : /^one .*, none stands by$/,
    );
    await channel.consume(made.lead, () => {});
    await channel.consume(made.lead, () => {});
    assert.match(await told() ?? "", areQuorum() ? /^one .*; how many/ : /^one .*, 2 stand by$/);
  });
});

Deno.test("checkAmqp() tells of a queue that loses messages", async () => {
  await using made = names();
  await withChannel((channel) => channel.assertQueue(made.inbound, { durable: false }));
  const failed = (await check(amqpUrl(), made)).filter(({ ok }) => !ok);
  assert.deepEqual(failed.map(({ subject }) => subject), [`queue ${made.inbound}: declare`]);
  assert.match(failed[0]?.detail ?? "", /^PRECONDITION_FAILED.*durable/);
  assert.match(failed[0]?.fix ?? "", /without arguments/);
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
        assert.match(detail, ok === false ? /^ACCESS_REFUSED/ : /no right to bind it: make sure/);
        assert.match(fix ?? "", new RegExp(`set_permissions -p / ${user}`));
      }
      return failed.map(({ subject }) => subject.replaceAll(made.exchange, "x"));
    };
    try {
      assert.deepEqual(await failing(".*", ".*", ".*"), []);
      // What is there needs no right to be declared.
      assert.deepEqual(await failing("^$", ".*", ".*"), []);
      assert.deepEqual(await failing(".*", "bound$", ".*"), [
        made.delays,
        "exchange x: publish",
        "default exchange: publish",
      ]);
      assert.deepEqual(await failing(".*", `^${made.exchange}$`, ".*"), [
        "queue x.inbound: declare", // Taken as bound.
        "queue x.outbound: declare",
        made.delays,
        "default exchange: publish",
      ]);
      assert.deepEqual(await failing(".*", ".*", `^${made.exchange}$`), [
        "queue x.inbound: consume",
        "queue x.lead: consume",
      ]);
    } finally {
      await rabbitmqctl("delete_user", user);
    }
  },
});
