import assert from "node:assert/strict";
import { FakeTurn } from "../support/fake_turn.ts";

const CHILD = new URL("out_of_files_child.ts", import.meta.url).pathname;

for (const host of ["127.0.0.1", "localhost"]) {
  Deno.test(`TurnClient tells our lack of file descriptors from a Turn that is away, at ${host}`, async () => {
    await using turn = FakeTurn.start({ authToken: "s3cret" });
    const url = new URL(turn.url);
    url.hostname = host;
    const command = ["run", "--quiet", "--no-check", "--allow-all", CHILD, url.href];
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'ulimit -n 64; exec "$0" "$@"', Deno.execPath(), ...command],
    }).output();
    const [first, second] = new TextDecoder().decode(stdout).split("\n", 2);
    const { kind, fault, reason } = JSON.parse(first || "{}");
    assert.deepEqual([kind, fault], ["retry", "ours"], new TextDecoder().decode(stderr));
    assert.match(reason, /no file descriptor left.*LimitNOFILE/);
    assert.equal(JSON.parse(second ?? "{}").kind, "delivered");
  });
}
