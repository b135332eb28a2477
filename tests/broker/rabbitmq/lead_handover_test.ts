/**
 * What whoever leads leaves for whoever leads next: it outlives a program, and its connection.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Broker, Handover } from "../../../src/broker/mod.ts";
import { until } from "../../support/until.ts";
import { bench, DONE } from "../bench.ts";
import { amqpAdapter, openThrough, startProxy } from "./support.ts";

Deno.test("AmqpBroker hands what whoever led has left last to whoever leads next", async () => {
  await using made = await bench(amqpAdapter);
  const { queue, parkingQueue, extra } = made;
  const leadQueue = extra("lead");
  const consume = (broker: Broker, prefix: string): readonly Handover[] => {
    const terms: Handover[] = [];
    const onLead = (handover: Handover) => void terms.push(handover);
    const lead = { connector: prefix, queue: leadQueue, onLead };
    const options = { prefetch: 1, parkingQueue, lead };
    broker.consume(queue, options, () => Promise.resolve(DONE));
    return terms;
  };
  await using proxy = startProxy();
  const first = openThrough(proxy);
  const firstTerms = consume(first, "first");
  await until("the first to lead", () => firstTerms.length === 1);
  assert.equal(firstTerms[0]?.left, "");
  for (const text of ["1", "2", "3 ✓"]) await firstTerms[0]?.leave(text);
  // What whoever stands by says does not hide it.
  await using second = amqpAdapter.open();
  const secondTerms = consume(second, "second");
  await delay(1_000);
  proxy.cut();
  await until("the second to lead", () => secondTerms.length === 1);
  assert.equal(secondTerms[0]?.left, "3 ✓");
  // Who no longer leads leaves nothing.
  await firstTerms[0]?.leave("late");
  await secondTerms[0]?.leave("4");
  await second[Symbol.asyncDispose]();
  await until("the first to lead again", () => firstTerms.length === 2);
  assert.equal(firstTerms[1]?.left, "4");
  await first[Symbol.asyncDispose]();
  await using third = amqpAdapter.open();
  const thirdTerms = consume(third, "third");
  await until("the third to lead", () => thirdTerms.length === 1);
  assert.equal(thirdTerms[0]?.left, "4");
});
