import assert from "node:assert/strict";
import { dirname } from "node:path";
import { CommandError } from "../../src/cli/exit_codes.ts";
import { createPrivateFile } from "../../src/cli/private_file.ts";
import { noSmallDisk, SmallDisk } from "../support/small_disk.ts";

/** A folder with a file that a group may read, and the names in it. */
async function place() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/config.yaml`;
  await Deno.writeTextFile(path, "old");
  await Deno.chmod(path, 0o440);
  return {
    path,
    like: await Deno.stat(path),
    names: () => [...Deno.readDirSync(folder)].map(({ name }) => name),
    modeOf: (name: string) => (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("a file like another one has its mode before it is written, also where that forbids to write", async () => {
  await using old = await place();
  {
    using file = await createPrivateFile(old.path, true, old.like);
    const unfinished = old.names().find((name) => name !== "config.yaml") ?? assert.fail();
    assert.equal(old.modeOf(unfinished), 0o440);
    file.write("new, é");
  }
  assert.deepEqual([old.names(), old.modeOf("config.yaml")], [["config.yaml"], 0o440]);
  assert.equal(await Deno.readTextFile(old.path), "new, é");
});

Deno.test("a file that can't be given to another one's owner is refused at once, and leaves nothing", async () => {
  await using old = await place();
  const { chownSync } = Deno;
  Deno.chownSync = () => {
    throw new Deno.errors.PermissionDenied();
  };
  try {
    const uid = (old.like.uid ?? 0) + 1;
    await assert.rejects(createPrivateFile(old.path, true, { ...old.like, uid }), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(
        error.message,
        /config\.yaml the owner, group and mode .*: PermissionDenied; run/,
      );
      return true;
    });
  } finally {
    Deno.chownSync = chownSync;
  }
  assert.deepEqual(old.names(), ["config.yaml"]);
  assert.equal(await Deno.readTextFile(old.path), "old");
});

Deno.test("a folder in the file's place, or none above it, is refused before anything is made", async () => {
  await using old = await place();
  const folder = dirname(old.path);
  for (
    const [path, expected] of [
      [folder, `Cannot write ${folder}: it is a folder; name a file`],
      [
        `${folder}/no/new.yaml`,
        `Cannot write ${folder}/no/new.yaml: there is no folder ${folder}/no`,
      ],
    ] as const
  ) {
    await assert.rejects(createPrivateFile(path, true), new CommandError(69, expected));
  }
  assert.deepEqual(old.names(), ["config.yaml"]);
});

const noDisk = await noSmallDisk();

Deno.test({
  name: noDisk ?? "a disk that is full ends with a sentence, and leaves the old file",
  ignore: noDisk !== undefined,
  async fn() {
    await using disk = await SmallDisk.mount();
    const path = `${disk.path}/config.yaml`;
    await Deno.writeTextFile(path, "old");
    await disk.fill();
    {
      using file = await createPrivateFile(path, true);
      assert.throws(() => file.write("n".repeat(20_000)), (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, /^Cannot write .*config\.yaml: No space left on device/);
        return true;
      });
    }
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual([...Deno.readDirSync(disk.path)].length, 2);
  },
});
