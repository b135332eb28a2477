/**
 * What the program can't do, whatever code gets into it: from source and compiled, with the
 * permissions of `deno task start` and `deno task compile`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { compile } from "../support/compiled.ts";
import { Live } from "../support/live.ts";
import { PERMISSIONS, Running } from "../support/program.ts";
import { until } from "../support/until.ts";

const SCRIPT = "tests/service/permission_probe.ts";
const SOURCE = ["run", "--quiet", "--no-check", ...PERMISSIONS];
const PATH = fileURLToPath(new URL(`../../${SCRIPT}`, import.meta.url));

const folder = await Deno.makeTempDir({ prefix: "turn-channels-permissions-" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const fault = await compile(`${folder}/probe`, { script: SCRIPT });

/** What can never be done, and how the refusal reads. */
const NEVER = ["run", "runByNode", "ffi", "addon", "remoteCode", "hostname"];
const WRITING = [
  ...["write", "writeBesideTheCache", "writeTheCache", "writeByNode"],
  ...["remove", "openAnotherCache", "link"],
];

const REFUSED = /NotCapable|Requires (run|ffi|write|sys|all) access|Module not found|--no-remote/;

function probed(stderr: string): Record<string, string> | undefined {
  const [, line] = /^(\{"probe":.*\})$/m.exec(stderr) ?? [];
  return line === undefined ? undefined : JSON.parse(line).probe;
}

function assertRefused(came: Record<string, string>, names: readonly string[]): void {
  for (const name of names) {
    assert.match(came[name] ?? "", REFUSED, `${name}: ${came[name]}`);
  }
}

for (
  const [form, command, args, why] of [
    ["from source", Deno.execPath(), [...SOURCE, PATH], undefined],
    ["compiled", `${folder}/probe`, [], fault],
  ] as const
) {
  const suffix = why === undefined ? "" : ` (can't be compiled here: ${why})`;
  // On a developer's machine without the network it may be so; in CI it may not.
  const ignore = why !== undefined && Deno.env.get("CI") !== "true";
  const make = (words: readonly string[]) =>
    new Deno.Command(command, {
      args: [...args, ...words],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    });

  Deno.test({
    name:
      `the running bridge, ${form}, starts no process, loads no library or remote code, and opens ` +
      `nothing to write, yet its cache goes on${suffix}`,
    ignore,
    fn: async () => {
      await using live = await Live.prepare();
      const words = ["later", live.folder, "run", ...live.args()];
      await using running = await Running.of(make(words).spawn());
      await until("health", async () => (await live.health()).status === 200);
      running.signal("SIGUSR1");
      await until("the probe", () => probed(running.stderr()) !== undefined);
      const came = probed(running.stderr()) ?? {};
      assertRefused(came, [...NEVER, ...WRITING]);
      assert.equal(Object.keys(came).length, NEVER.length + WRITING.length);
      await live.transport.sendInbound({ message_id: "m1" });
      await live.turn.received(1);
      assert.equal(await running.stop("SIGTERM"), 0);
      assert.doesNotMatch(running.stderr(), /Could not|"ERROR"|"WARNING"/);
      const { stdout } = await live.command(["find", "m1", "--json"]);
      assert.equal(JSON.parse(stdout).state, "delivered");
    },
  });

  Deno.test({
    name: `another command, ${form}, can write files, and still do nothing of the rest${suffix}`,
    ignore,
    fn: async () => {
      const place = await Deno.makeTempDir({ dir: folder });
      const { stderr } = await make(["early", place, "--version"]).output();
      const came = probed(new TextDecoder().decode(stderr)) ?? assert.fail();
      assertRefused(came, NEVER);
      // As paths come from the configuration and the command line, see docs/operation.md, "Permissions".
      assert.equal(came.write, "possible");
    },
  });
}

Deno.test("the tasks start and compile have the permissions that are tested", () => {
  for (const task of [manifest.tasks.start, manifest.tasks.compile]) {
    const flags = task.split(" ").filter((word) =>
      /^--(no-prompt|no-remote|allow|deny)/.test(word)
    );
    assert.deepEqual(flags.sort(), [...PERMISSIONS].sort());
  }
});

Deno.test({
  name: "the compiled binary has no other permissions baked in",
  ignore: fault !== undefined && Deno.env.get("CI") !== "true",
  fn: async () => {
    const binary = await Deno.readFile(`${folder}/probe`);
    const text = new TextDecoder("latin1").decode(binary);
    const [, json = ""] = /"permissions":(\{[^{}]*\})/.exec(text) ?? [];
    const { allow_import: _, ...permissions } = JSON.parse(json);
    const given = Object.entries(permissions)
      .filter(([name, value]) => name.startsWith("allow_") && value !== null);
    assert.deepEqual(Object.fromEntries(given), {
      allow_env: [],
      allow_net: [],
      allow_read: [],
      allow_sys: ["statfs"],
      allow_write: [],
    });
    assert.deepEqual([permissions.deny_run, permissions.deny_ffi], [[], []]);
    assert.equal(permissions.prompt, false);
  },
});
