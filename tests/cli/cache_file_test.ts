/**
 * Commands that look into the cache's file: they find what is there, and make none where none is.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";

const COMMANDS = [["find", "+26612345678"], ["audit"]] as const;

for (const command of COMMANDS) {
  const [name] = command;

  Deno.test(`${name} says which cache file is missing, exit code 69, and makes none`, async () => {
    await using live = await Live.prepare();
    const relative = `none-${crypto.randomUUID()}.kv`;
    for (
      const [path, says] of [
        [
          relative,
          `there is none, looked for at ${Deno.cwd()}/${relative}; give the whole path, as the bridge ` +
          "has it, or go to its working directory (message_cache_config.path)",
        ],
        [`${live.folder}/none.kv`, "there is none; has a bridge with this configuration run"],
      ] as const
    ) {
      const flag = `--message-cache-config-path=${path}`;
      const { code, stdout, stderr } = await live.command([...command], [flag]);
      assert.equal(code, 69, stdout + stderr);
      assert.ok(stderr.includes(`Cannot open the cache file ${path}: ${says}`), stderr);
      assert.ok(!stdout.includes("✓"), stdout);
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    }
  });

  Deno.test(`${name} makes no cache of an empty file, exit code 69`, async () => {
    await using live = await Live.prepare();
    const path = `${live.folder}/cache.kv`;
    await Deno.writeTextFile(path, "");
    const { code, stdout, stderr } = await live.command([...command]);
    assert.equal(code, 69, stdout + stderr);
    assert.match(
      stderr,
      /it is empty, so no bridge has used it; .* \(message_cache_config\.path\)$/m,
    );
    assert.equal(await Deno.readTextFile(path), "");
  });

  Deno.test(`${name} finds the file that is there, with the bridge running and without`, async () => {
    await using live = await Live.prepare();
    await using running = await live.start();
    await live.transport.sendInbound({ message_id: "m1", from_addr: "+26612345678" });
    await live.turn.received(1);
    const before = await Deno.stat(`${live.folder}/cache.kv`);
    assert.equal((before.mode ?? 0) & 0o777, 0o600);
    const look = async () => {
      const { code, stdout, stderr } = await live.command([...command]);
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        name === "find" ? /^Message m1 from \+26612345678/ : /✓ inbound: 1 came/,
      );
    };
    await look();
    assert.equal(await running.stop("SIGTERM"), 0);
    await look();
  });
}
