import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import type { Broker, BrokerStatus } from "../../src/broker/mod.ts";
import type { Channel } from "../../src/service/channel.ts";
import { faultsOf, faultyKinds } from "../../src/service/channel_queues.ts";
import { healthOf, unready } from "../../src/service/health.ts";
import { testConfig } from "../support/bridge.ts";

const AMQP_URL = { "amqp-url": "memory:", "retry-schedule": "5,60" };
const configs = await Promise.all(
  ["a", "b"].map((name) => testConfig(name, "http://127.0.0.1:9", AMQP_URL)),
);

function brokerWith(more: Partial<BrokerStatus>): Broker {
  const broker = MemoryBroker.open();
  const status = { ...broker.status(), ...more };
  return Object.assign(Object.create(broker), { status: () => status });
}

/** As far as health asks. */
function channelsOn(broker: Broker, count: number): Channel[] {
  return configs.slice(0, count).map((config) =>
    ({
      name: config.connector_name,
      bridge: {
        // The first speaks for its channel, for the others another bridge does.
        leads: config === configs[0],
        turnFigures: () => ({ breaker: "closed", lastSuccess: undefined }),
      },
      cache: { status: () => ({ failingSince: undefined, lastFailure: undefined, lasts: true }) },
      faults: () => faultsOf(config, broker.status()),
    }) as unknown as Channel
  );
}

const FAULTS = new Map([["a.event.parked", "it takes no copies (full)"], ["zoo", "elephants"]]);

Deno.test("healthOf() tells of the one channel's queues, and of no others", () => {
  const broker = brokerWith({ faults: FAULTS });
  const { health, components: { amqp } } = healthOf(broker, channelsOn(broker, 1));
  assert.equal(health, "ok");
  assert.deepEqual(amqp, {
    health: "degraded",
    state: "open",
    speaks: true,
    faults: {
      "a.event.parked": "events that are to be parked wait: it takes no copies (full)",
    },
  });
});

Deno.test("healthOf() tells each channel's queues apart", () => {
  const broker = brokerWith({ faults: FAULTS });
  const { health, components: { amqp } } = healthOf(broker, channelsOn(broker, 2));
  assert.deepEqual([health, amqp?.health], ["ok", "degraded"]);
  const { a, b } = amqp?.["channels"] as Record<string, { readonly health: string }>;
  assert.deepEqual([a?.health, b], ["degraded", { health: "ok", speaks: false }]);
});

Deno.test("healthOf() has a fault of a shared delay queue in each channel that uses it", () => {
  const broker = brokerWith({ faults: new Map([["turn-channels.delay.60s", "why"]]) });
  const { components: { amqp } } = healthOf(broker, channelsOn(broker, 2));
  const channels = Object.values(amqp?.["channels"] as Record<string, { readonly health: string }>);
  assert.deepEqual(channels.map(({ health }) => health), ["degraded", "degraded"]);
  const [config] = configs;
  assert.deepEqual([...faultyKinds(config!, broker.status())].filter(([, is]) => is), [
    ["delay", true],
  ]);
});

Deno.test("healthOf() is down when the broker is away, whatever is wrong with queues", () => {
  const broker = brokerWith({ state: "connecting", faults: FAULTS });
  const { health, components: { amqp } } = healthOf(broker, channelsOn(broker, 1));
  assert.deepEqual([health, amqp?.health], ["down", "down"]);
  assert.deepEqual(unready(broker, channelsOn(broker, 1), false), ["the broker is connecting"]);
  assert.deepEqual(unready(brokerWith({ faults: FAULTS }), channelsOn(broker, 1), false), []);
});

Deno.test("unready() has a cache that has failed for ten seconds, of whatever channel", () => {
  const broker = brokerWith({});
  const [one, other] = channelsOn(broker, 2);
  const failing = {
    cache: { status: () => ({ failingSince: 5_000, lastFailure: 5_000, lasts: true }) },
  } as unknown as Channel;
  const at = (now: number) => unready(broker, [one!, failing, other!], false, now);
  assert.deepEqual(at(14_999), []);
  assert.deepEqual(at(15_000), ["the cache has failed for 10 s"]);
});
