import assert from "node:assert/strict";
import { type Behind, DelayedOrder } from "../../src/bridge/delayed_order.ts";
import { NO_PLACE, type Place } from "../../src/bridge/retry_headers.ts";
import { CacheError, MAX_NOTE_LENGTH } from "../../src/cache/mod.ts";
import { TestClock } from "./clock.ts";
import { FlakyCache, settle } from "./support.ts";

const DAY_MS = 86_400_000;

/** An order that is noted in a cache, and can be that of the next program. */
class TestOrder implements AsyncDisposable {
  readonly clock: TestClock;
  readonly cache: FlakyCache;
  readonly order: DelayedOrder;

  constructor(before?: TestOrder) {
    this.clock = before?.clock ?? new TestClock();
    this.cache = before?.cache ?? new FlakyCache(this.clock.elapsed);
    this.order = new DelayedOrder({ cache: this.cache, flow: "inbound", now: this.clock.elapsed });
  }

  /** One that came from `place` goes, and that is noted. Answers its place. */
  async lead(key: string, place = NO_PLACE, delayMs = 0): Promise<Place> {
    this.clock.now++;
    await this.order.ready(key);
    const higher = this.order.lead(key, place, delayMs);
    await this.note(key);
    return higher;
  }

  /** One comes from `place`, new if not given. Answers the place that it gets behind another. */
  async arrive(key: string, place = NO_PLACE): Promise<Place | undefined> {
    return (await this.behind(key, place))?.place;
  }

  /** The same, and how long it waits there. */
  async behind(key: string, place = NO_PLACE): Promise<Behind | undefined> {
    await this.order.ready(key);
    const behind = this.order.arrive(key, place);
    if (behind !== undefined) await this.note(key);
    await settle();
    return behind;
  }

  note(key: string): Promise<void> {
    return this.cache.putNotes(this.order.notes(key));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cache[Symbol.asyncDispose]();
  }
}

/** Another place in the same group. */
function nth(place: Place | undefined, nth: number): Place {
  return { mark: place?.mark ?? assert.fail("no place"), nth };
}

Deno.test("DelayedOrder sends new ones behind what waits, until the last one is back", async () => {
  await using test = new TestOrder();
  assert.equal(await test.arrive("u"), undefined);
  const a = await test.lead("u", NO_PLACE, 5_000);
  const b = nth(a, 2), c = nth(a, 3), d = nth(a, 4);
  assert.deepEqual(await test.behind("u"), { place: b, delayMs: 5_000 });
  assert.deepEqual(await test.arrive("u"), c);
  assert.equal(await test.arrive("other"), undefined);
  assert.equal(await test.arrive("u", a), undefined);
  assert.equal(await test.arrive("u", b), undefined);
  assert.deepEqual(await test.arrive("u"), d);
  assert.equal(await test.arrive("u", c), undefined);
  assert.equal(await test.arrive("u", d), undefined);
  assert.equal(await test.arrive("u"), undefined);
});

Deno.test("DelayedOrder sends those of an earlier group behind one that had to go once more", async () => {
  await using test = new TestOrder();
  const a = await test.lead("u");
  const [b, c] = [await test.arrive("u"), await test.arrive("u")];
  assert.equal(await test.arrive("u", a), undefined);
  const a2 = await test.lead("u", a, 5_000);
  assert.ok(a2.mark > a.mark);
  // A new one goes behind c, which stands in the queue; b and c go behind a.
  const d = nth(a, 4);
  assert.deepEqual(await test.behind("u"), { place: d, delayMs: 0 });
  const second = [a2];
  for (const place of [b, c, d, undefined]) {
    const next = nth(a2, second.length + 1);
    assert.deepEqual(await test.behind("u", place), { place: next, delayMs: 5_000 });
    second.push(next);
  }
  for (const place of second) assert.equal(await test.arrive("u", place), undefined);
  assert.equal(await test.arrive("u"), undefined);
});

Deno.test("DelayedOrder sends a message behind those right before it, of three groups", async () => {
  await using test = new TestOrder();
  const a = await test.lead("u");
  const [b, c] = [await test.arrive("u"), await test.arrive("u")];
  await test.arrive("u", a);
  const a2 = await test.lead("u", a);
  const b2 = await test.arrive("u", b);
  assert.equal(b2?.mark, a2.mark);
  await test.arrive("u", a2);
  const a3 = await test.lead("u", a2);
  // c is behind b, which is behind a: c must not go where a is, as b is not there yet.
  const c2 = await test.arrive("u", c);
  assert.deepEqual(c2, nth(a2, 3));
  assert.deepEqual(await test.arrive("u", b2), nth(a3, 2));
  assert.deepEqual(await test.arrive("u", c2), nth(a3, 3));
});

Deno.test("DelayedOrder knows in the next program what waits, and what does not", async () => {
  await using test = new TestOrder();
  const a = await test.lead("u");
  await test.arrive("v", await test.lead("v"));
  const next = new TestOrder(test);
  const b = await next.arrive("u");
  assert.deepEqual(b, nth(a, 2));
  assert.equal(await next.arrive("u", a), undefined);
  assert.equal(await next.arrive("v"), undefined);
  const last = new TestOrder(test);
  assert.equal(await last.arrive("u", b), undefined);
  assert.equal(await last.arrive("u"), undefined);
});

Deno.test("DelayedOrder sends what was to go and did not, as we were killed, behind itself", async () => {
  await using test = new TestOrder();
  const a = await test.lead("u");
  const next = new TestOrder(test);
  // It has no place: no copy was made, or one was and it was not acked.
  const again = await next.arrive("u");
  assert.deepEqual(again, nth(a, 2));
  const b = await next.arrive("u");
  // If both are there, the first one that is back does not stand for the other.
  assert.equal(await next.arrive("u", a), undefined);
  assert.equal(await next.arrive("u", again), undefined);
  assert.notEqual(await next.arrive("u"), undefined);
  assert.equal(await next.arrive("u", b), undefined);
});

Deno.test("DelayedOrder.forget() goes by what another program has noted", async () => {
  await using test = new TestOrder();
  assert.equal(await test.arrive("u"), undefined);
  const other = new TestOrder(test);
  const a = await other.lead("u");
  test.order.forget();
  assert.deepEqual(await test.arrive("u"), nth(a, 2));
});

Deno.test("DelayedOrder looks up one note at the start, and none for a message, as a rule", async () => {
  await using test = new TestOrder();
  await test.arrive("u");
  let reads = 0;
  const { getNote } = test.cache;
  test.cache.getNote = (...args) => {
    reads++;
    return getNote.apply(test.cache, args);
  };
  for (const key of ["u", "v", "w"]) await test.order.ready(key);
  // Nor when one waits, as it is known in memory.
  const a = await test.lead("u");
  await test.order.ready("u");
  await test.order.ready("x");
  assert.equal(reads, 0);
  // In the next program, one for each user; of who has none also the one of earlier versions.
  const next = new TestOrder(test);
  for (const key of ["u", "u", "v", "v"]) await next.order.ready(key);
  assert.equal(reads, 4);
  // When all are back, none again.
  await test.arrive("u", a);
  reads = 0;
  const last = new TestOrder(test);
  for (const key of ["u", "v"]) await last.order.ready(key);
  assert.equal(reads, 1);
  // And when the time is over that is noted.
  await test.lead("u");
  test.clock.now += 10 * DAY_MS;
  const late = new TestOrder(test);
  for (const key of ["u", "v", "w"]) await late.order.ready(key);
  assert.equal(reads, 2);
});

Deno.test("DelayedOrder is kept for as long as copies are made, and a week more", async () => {
  await using test = new TestOrder();
  let a = await test.lead("u");
  for (let day = 0; day < 30; day += 6) {
    test.clock.now += 6 * DAY_MS;
    const next = new TestOrder(test);
    assert.equal(await next.arrive("u", a), undefined);
    a = await next.lead("u", a);
  }
  test.clock.now += 7 * DAY_MS - 1;
  assert.deepEqual(await new TestOrder(test).arrive("u"), nth(a, 2));
  test.clock.now += 7 * DAY_MS;
  assert.equal(await new TestOrder(test).arrive("u"), undefined);
});

Deno.test("DelayedOrder waits for what never comes back until the next one is round once", async () => {
  await using test = new TestOrder();
  await test.lead("u", NO_PLACE, 5_000);
  const b = await test.arrive("u");
  assert.notEqual(b, undefined);
  assert.equal(await test.arrive("u", b), undefined);
  assert.equal(await test.arrive("u"), undefined);
});

Deno.test("DelayedOrder that can't look up says so, and then writes over nothing", async () => {
  await using test = new TestOrder();
  const a = await test.lead("u");
  const b = await test.arrive("u");
  test.cache.failing.add("getNote");
  const next = new TestOrder(test);
  await assert.rejects(next.order.ready("u"), CacheError);
  // Its time in hand is over: it goes, as it must.
  const c = next.order.lead("u", NO_PLACE, 0);
  assert.deepEqual(next.order.notes("u"), []);
  test.cache.failing.clear();
  // Now a and b are known, and c is behind them.
  const c2 = await next.arrive("u", c);
  assert.deepEqual(c2, nth(a, 3));
  for (const place of [a, b, c2]) assert.equal(await next.arrive("u", place), undefined);
  assert.equal(await next.arrive("u"), undefined);
});

Deno.test("DelayedOrder fits into a note, however many groups there are", async () => {
  await using test = new TestOrder();
  let place = NO_PLACE;
  for (let n = 0; n < 20; n++) {
    place = await test.lead("u", place, 43_200_000);
    // Those behind it do not come back.
    await test.arrive("u");
    await test.arrive("u", place);
  }
  const [{ value } = assert.fail()] = test.order.notes("u");
  assert.ok(value.length <= MAX_NOTE_LENGTH, `${value.length}`);
});

Deno.test("DelayedOrder forgets users whose time is over when there are many", async () => {
  await using test = new TestOrder();
  for (let n = 0; n < 10_000; n++) await test.lead(`${n}`);
  const before = test.clock.now;
  test.clock.now += 8 * DAY_MS;
  await test.lead("new");
  test.clock.now = before;
  assert.equal(test.order.arrive("0", NO_PLACE), undefined);
  assert.notEqual(test.order.arrive("new", NO_PLACE), undefined);
});

Deno.test("DelayedOrder does not mind a cache that forgets nothing", async () => {
  await using test = new TestOrder();
  const a = await test.lead("u");
  test.cache.failing.add("deleteNote");
  assert.equal(await test.arrive("u", a), undefined);
  // At worst the next program sends one message round for nothing.
  const next = new TestOrder(test);
  const b = await next.arrive("u");
  assert.notEqual(b, undefined);
  assert.equal(await next.arrive("u", b), undefined);
  assert.equal(await next.arrive("u"), undefined);
});
