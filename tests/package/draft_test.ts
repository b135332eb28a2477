import { takeWalk } from "/work/wt/p19/tests/package/walk.ts";
Deno.test("walk", () =>
  takeWalk({
    binary: "/tmp/p19w/root/usr/bin/turn-channels",
    python: "/tmp/turn-channels-python--tmp-i17b-vumi2-anyio-4.3.0/bin/python",
    hasPrometheus: true,
  }));
