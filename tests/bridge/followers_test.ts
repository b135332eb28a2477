import assert from "node:assert/strict";
import { Followers } from "../../src/bridge/followers.ts";

Deno.test("Followers.has() from when one waits until the last one is back", () => {
  const followers = new Followers();
  assert.equal(followers.has("a", 0), false);
  followers.add("a", "1", true, 5_000, 0);
  followers.add("a", "2", true, 5_000, 1_000);
  assert.equal(followers.has("a", 2_000), true);
  assert.equal(followers.has("b", 2_000), false);
  followers.remove("a", "1");
  assert.equal(followers.has("a", 5_000), true);
  followers.remove("a", "2");
  assert.equal(followers.has("a", 6_000), false);
});

Deno.test("Followers.has() no more, a minute after the last one should have come", () => {
  const followers = new Followers();
  followers.add("a", "1", true, 5_000, 0);
  followers.add("a", "2", true, 5_000, 1_000);
  assert.equal(followers.has("a", 65_999), true);
  assert.equal(followers.has("a", 66_000), false);
  assert.equal(followers.has("a", 0), false); // It is forgotten.
});

Deno.test("Followers.remove() does not mind what was not there", () => {
  const followers = new Followers();
  followers.remove("a", "1");
  followers.add("a", "1", true, 5_000, 0);
  followers.remove("a", "2");
  followers.remove("b", "1");
  assert.equal(followers.has("a", 1), true);
});

Deno.test("Followers forgets users whose time is over when there are many", () => {
  const followers = new Followers();
  for (let n = 0; n < 10_000; n++) followers.add(`${n}`, "1", true, 5_000, 0);
  // Asked for the past, as one of them would be forgotten when it is asked for in time.
  assert.equal(followers.has("0", 1), true);
  followers.add("new", "1", true, 5_000, 100_000);
  assert.equal(followers.has("0", 1), false);
  assert.equal(followers.has("new", 100_001), true);
});

Deno.test("Followers.remove() tells those that wait behind one that has failed again", () => {
  const followers = new Followers();
  followers.add("a", "1", true, 5_000, 0);
  followers.add("a", "2", false, 5_000, 1_000);
  followers.add("b", "1", false, 5_000, 1_000);
  assert.equal(followers.remove("a", "1"), false);
  followers.add("a", "1", true, 5_000, 5_000);
  followers.add("a", "3", false, 5_000, 5_500);
  assert.equal(followers.remove("a", "2"), true);
  followers.add("a", "2", false, 5_000, 6_000);
  for (const id of ["1", "3", "2"]) assert.equal(followers.remove("a", id), false);
  assert.equal(followers.has("a", 7_000), false);
  assert.equal(followers.remove("b", "1"), false);
});

Deno.test("Followers.has() no more after a while, however many wait behind one that never comes", () => {
  const followers = new Followers();
  followers.add("a", "1", true, 5_000, 0);
  let now = 0;
  for (; followers.has("a", now) && now < 3_600_000; now += 10_000) {
    followers.add("a", `${now}`, false, 5_000, now);
  }
  assert.equal(now, 900_000);
});
