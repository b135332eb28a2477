/**
 * What `deno task package` makes: its files, the package for Debian in a Debian, with systemd, and the
 * container.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { missingCommand } from "../support/debian.ts";
import { DebianTree, findDebianTree, type FoundTree } from "../support/debian_tree.ts";
import { run } from "../support/install.ts";
import { Program } from "../support/program.ts";
import { PACKAGE } from "../support/prometheus.ts";
import { noPty } from "../support/pty.ts";
import { pythonWithVumi2 } from "../support/vumi2.ts";
import { Images } from "./images.ts";
import { CONFIG, dist, fault, ignore, succeed, suffix, VERSION } from "./packages.ts";
import { takeWalk } from "./walk.ts";

const DEB = `turn-channels_${VERSION}_${Deno.build.arch === "x86_64" ? "amd64" : "arm64"}.deb`;
const ARCHIVE = `turn-channels-${VERSION}-linux-${Deno.build.arch}.tar.gz`;
Deno.test({
  name: `deno task package makes what is installed, and its sums${suffix}`,
  ignore,
  fn: async () => {
    assert.equal(fault, undefined);
    const sums = await Deno.readTextFile(`${dist}/SHA256SUMS`);
    const names = sums.trim().split("\n").map((line) => line.split("  ")[1]);
    const rest = ["Containerfile", "compose.yaml", `turn-channels-${VERSION}.cdx.json`, DEB];
    assert.deepEqual(names.sort(), [ARCHIVE, ...rest].sort());
    const checked = await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], dist);
    assert.ok(checked.success, checked.output);
    const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
    assert.ok(readme.includes(`./dist/${DEB}`));
  },
});

const vumi2 = await pythonWithVumi2();
const noPrometheus = await missingCommand("prometheus", PACKAGE);
const walkless = suffix || (noPty() ? ` (not run: ${noPty()})` : "");

Deno.test({
  name: "the walk of the documentation shows what stands there, from the package to the audit" + [
    walkless,
    vumi2.kind === "python" ? "" : ` (without vumi2's own workers: ${vumi2.why})`,
    noPrometheus === undefined ? "" : ` (without the alert: ${noPrometheus})`,
  ].join(""),
  ignore: ignore || walkless !== "",
  fn: async () => {
    const root = await Deno.makeTempDir();
    try {
      await succeed("dpkg-deb", "-x", `${dist}/${DEB}`, root);
      await takeWalk({
        binary: `${root}/usr/bin/turn-channels`,
        python: vumi2.kind === "python" ? vumi2.path : undefined,
        hasPrometheus: noPrometheus === undefined,
      });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});

Deno.test({
  name: `the archive's program tells its version and commit, and its man page is sound${suffix}`,
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await succeed("tar", "-xzf", `${dist}/${ARCHIVE}`, "-C", folder, "--strip-components=1");
      const commit = await run("git", ["rev-parse", "--short=12", "HEAD"]);
      const told = await succeed(`${folder}/turn-channels`, "--version");
      const [, own = ""] = new RegExp(`^${VERSION} \\(commit (.*)\\)$`).exec(told) ?? [];
      if (commit.success) assert.equal(own.replace(/-changed$/, ""), commit.output);
      else assert.equal(own, "unknown");
      await using running = await Program.binary(`${folder}/turn-channels`).start([
        ...["--connector-name=c", "--default-from-addr=8110", "--http-bind=127.0.0.1:0"],
        ...["--turn-api-url=http://127.0.0.1:9", "--auth-token=t", "--turn-hmac-secret=s"],
        "--amqp-url=memory:",
      ]);
      const metrics = await (await fetch(`${running.address}/metrics`)).text();
      assert.ok(metrics.includes(`build_info{version="${VERSION}",commit="${own}",`), metrics);
      assert.equal(await running.stop("SIGTERM"), 0);
      const page = await Deno.readTextFile(`${folder}/turn-channels.1`);
      for (const part of [".SS parked replay\n", "shutdown\\-timeout <", ".SH FILES"]) {
        assert.equal(page.split(part).length, 2, `${part} is there, and once`);
      }
      const groff = await missingCommand("groff", "groff");
      if (groff === undefined) {
        assert.equal(await succeed("groff", "-man", "-ww", "-z", `${folder}/turn-channels.1`), "");
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: `the bill of materials has what is compiled in, and no more${suffix}`,
  ignore,
  fn: async () => {
    const text = await Deno.readTextFile(`${dist}/turn-channels-${VERSION}.cdx.json`);
    const { bomFormat, specVersion, components, dependencies } = JSON.parse(text);
    assert.deepEqual([bomFormat, specVersion], ["CycloneDX", "1.5"]);
    const found: ReadonlyMap<string, string> = new Map(
      components.map((one: Record<"name" | "version", string>) => [one.name, one.version]),
    );
    // One of ours, one of theirs, an optional one of theirs, the runtime.
    for (const name of ["zod", "tdigest", "@colors/colors", "deno"]) {
      assert.ok(found.has(name), name);
    }
    for (const name of ["fast-check", "puppeteer-core"]) assert.ok(!found.has(name), name);
    const { npm } = JSON.parse(
      await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)),
    );
    const zod = components.find((one: { name: string }) => one.name === "zod");
    const hash = btoa(String.fromCharCode(...hexBytes(zod.hashes[0].content)));
    assert.equal(`sha512-${hash}`, npm[`zod@${found.get("zod")}`].integrity);
    const refs = new Set(components.map((one: Record<string, string>) => one["bom-ref"]));
    for (const { dependsOn } of dependencies) for (const ref of dependsOn) assert.ok(refs.has(ref));
  },
});

function hexBytes(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16));
}

const found: FoundTree = fault === undefined ? await findDebianTree() : { missing: fault };
const treeless = "missing" in found ? ` (not run: ${found.missing})` : "";
const needsTree = { ignore: ignore || treeless !== "" };

/** A tree with the package and a newer one, of which the configuration that it brings differs. */
async function treeWithPackages(): Promise<DebianTree> {
  if ("missing" in found) assert.fail(found.missing);
  const tree = await DebianTree.mount(found.path);
  await Deno.copyFile(`${dist}/${DEB}`, `${tree.path}/root/old.deb`);
  const done = await tree.shell(
    "cd /root && dpkg-deb -R old.deb new && sed -i 's/^Version: .*/&-2/' new/DEBIAN/control && " +
      "echo '# newer' >> new/etc/turn-channels/config.yaml && " +
      "dpkg-deb -Zgzip -z1 --root-owner-group -b new new.deb && rm -r new",
  );
  assert.ok(done.success, done.output);
  return tree;
}

const UPGRADE = "dpkg --force-confold -i /root/new.deb";

Deno.test({
  name: `the package is installed, upgraded with its configuration kept, and purged${treeless}`,
  ...needsTree,
  fn: async () => {
    await using tree = await treeWithPackages();
    const shell = async (script: string, succeeds = true): Promise<string> => {
      const { success, output } = await tree.shell(script);
      assert.equal(success, succeeds, `${script}: ${output}`);
      return output;
    };
    const folder = `${tree.path}/etc/turn-channels`;
    await shell("dpkg -i /root/old.deb");
    assert.match(await shell("turn-channels --version"), new RegExp(`^${VERSION} \\(commit `));
    assert.equal(await shell("dpkg --audit && dpkg --verify turn-channels"), "");
    const { mode, uid } = await Deno.stat(`${folder}/config.yaml`);
    assert.deepEqual([(mode ?? 0) & 0o777, uid], [0o600, 0]);
    const check = "turn-channels check --config /etc/turn-channels/config.yaml";
    assert.match(await shell(check, false), /connector_name/);
    const unit = "/usr/lib/systemd/system/turn-channels.service";
    await shell(`turn-channels systemd-unit --binary=/usr/bin/turn-channels | cmp - ${unit}`);
    assert.equal(await shell(`systemd-analyze verify ${unit}`), "");
    await shell(
      "test -s /usr/share/man/man1/turn-channels.1.gz && cd /usr/share/doc/turn-channels" +
        " && ls copyright CHANGELOG.md README.md docs/runbook.md turn-channels.cdx.json",
    );
    // As its first lines say: without the # it is a configuration.
    const shipped = await Deno.readTextFile(`${folder}/config.yaml`);
    const example = shipped.slice(shipped.indexOf("# http_bind")).replaceAll(/^# /gm, "");
    await Deno.writeTextFile(`${folder}/config.yaml`, example);
    for (const name of ["ussd-token", "ussd-hmac", "sms-token", "sms-hmac"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "secret");
    }
    assert.match(await shell(check, false), /rabbitmq\.example\.org/);

    // What is not in the folder of which the service gets copies has its own.
    const elsewhere = example.replace("/etc/turn-channels/sms-hmac", "/srv/sms-hmac");
    await Deno.writeTextFile(`${folder}/other.yaml`, elsewhere);
    await shell("mv /etc/turn-channels/sms-hmac /srv");
    const flags = "--binary=/usr/bin/turn-channels --config=/etc/turn-channels/other.yaml";
    await shell(`turn-channels systemd-unit ${flags} > /srv/turn-channels.service`);
    assert.equal(await shell("systemd-analyze verify /srv/turn-channels.service"), "");
    const own = await shell("grep -E 'Credential=|^Environment|^Bind' /srv/turn-channels.service");
    assert.deepEqual(own.split("\n"), [
      "BindReadOnlyPaths=-%t/turn-channels/etc:/etc/turn-channels",
      "LoadCredential=turn-hmac-secret-1:/srv/sms-hmac",
      "Environment=CHANNELS_1_TURN_HMAC_SECRET_FILE=%d/turn-hmac-secret-1",
    ]);

    await shell(UPGRADE);
    assert.equal(await Deno.readTextFile(`${folder}/config.yaml`), example);
    assert.match(await Deno.readTextFile(`${folder}/config.yaml.dpkg-dist`), /# newer\n$/);
    assert.match(await shell("dpkg-query -W turn-channels"), /-2$/);

    await shell(
      "mkdir -p /var/lib/private/turn-channels; touch /var/lib/private/turn-channels/cache.kv",
    );
    await shell("ln -s private/turn-channels /var/lib/turn-channels");
    await shell("dpkg --remove turn-channels && test -e /etc/turn-channels/config.yaml");
    await shell("test -e /var/lib/private/turn-channels/cache.kv");
    await shell("dpkg --purge turn-channels && rm /srv/turn-channels.service");
    // Secrets are not dpkg's.
    const left = "find / -xdev -path '*turn-channels*' -not -path '/root/*'";
    assert.deepEqual((await shell(left)).split("\n").sort(), [
      "/etc/turn-channels",
      ...["other.yaml", "sms-token", "ussd-hmac", "ussd-token"].map((name) =>
        `/etc/turn-channels/${name}`
      ),
    ]);
  },
});

const bootless = needsTree.ignore
  ? treeless
  : await missingCommand("systemd-nspawn", "systemd-container");

Deno.test({
  name:
    "the installed service starts, reloads, goes on after an upgrade and ends with the package" +
    (bootless ? ` (not run: ${bootless})` : ""),
  ignore: Boolean(bootless) || needsTree.ignore,
  fn: async (context) => {
    await using tree = await treeWithPackages();
    await tree.shell("dpkg -i /root/old.deb");
    const folder = `${tree.path}/etc/turn-channels`;
    await Deno.writeTextFile(`${folder}/config.yaml`, CONFIG);
    await Deno.writeTextFile(`${folder}/token`, "one", { mode: 0o600 });
    // Each step says what came of it; the log is last.
    const booted = await tree.boot(`
      log() { journalctl --no-pager --output=cat --unit=turn-channels; }
      logged() { for n in $(seq 600); do log | grep -q "$1" && break; sleep 0.1; done; }
      pid() { systemctl show --property=MainPID --value turn-channels; }
      systemctl is-enabled turn-channels
      systemctl enable --now --quiet turn-channels; logged Bridging
      stat -Lc '%n %a' /var/lib/turn-channels /var/lib/turn-channels/cache.kv
      stat -c '%n %a %U' /run/turn-channels
      before=$(pid)
      [ $(stat -c %u /proc/$before) -ge 61184 ] && echo a user of its own
      grep -h -E '^Cap(Eff|Bnd)' /proc/$before/status; grep -c 'files *4136' /proc/$before/limits
      echo two > /etc/turn-channels/token
      systemctl reload turn-channels; logged 'Configuration reloaded'
      [ $before = $(pid) ] && echo the same process
      ${UPGRADE} > /dev/null 2>&1
      [ $before = $(pid) ] || echo another process, $(systemctl is-active turn-channels)
      dpkg --purge turn-channels > /dev/null 2>&1
      systemctl is-active turn-channels
      ls -d /run/turn-channels /var/lib/turn-channels /var/lib/private/turn-channels
      echo ---; log
    `);
    if (booted === undefined) {
      const name = "not run: systemd does not start here in systemd-nspawn";
      return void await context.step({ name, ignore: true, fn() {} });
    }
    const [said = "", journal = ""] = booted.split("---\n");
    assert.deepEqual(said.trim().split("\n"), [
      "disabled",
      "/var/lib/turn-channels 700",
      "/var/lib/turn-channels/cache.kv 600",
      "/run/turn-channels 700 root",
      "a user of its own",
      `CapEff:\t${"0".repeat(16)}`,
      `CapBnd:\t${"0".repeat(16)}`,
      "1",
      "the same process",
      "another process, active",
      "inactive",
      ...["/run/turn-channels", "/var/lib/turn-channels", "/var/lib/private/turn-channels"].map(
        (path) => `ls: cannot access '${path}': No such file or directory`,
      ),
    ]);
    assert.match(journal, /"changed":\["auth_token"\]/);
  },
});

const imageless = needsTree.ignore
  ? treeless
  : await missingCommand("buildah", "buildah") ?? await Images.missing();

Deno.test({
  name: "the container runs as no root on a read-only root, and its health check tells the truth" +
    (imageless ? ` (not run: ${imageless})` : ""),
  ignore: Boolean(imageless) || needsTree.ignore,
  fn: async () => {
    if ("missing" in found) assert.fail(found.missing);
    await using images = await Images.open();
    await images.addBase(found.path);
    await images.build(dist);
    assert.deepEqual(await images.runReadOnly(), [
      "unhealthy before",
      "healthy during",
      "uid 10001",
      "ended with 0",
      "unhealthy after",
    ]);
  },
});

Deno.test("the example of compose runs what the Containerfile makes, without rights", async () => {
  const files = new URL("../../src/package/files/", import.meta.url);
  const { services } = parse(await Deno.readTextFile(new URL("compose.yaml", files)));
  const { read_only, cap_drop, volumes, build } = services["turn-channels"];
  assert.deepEqual([read_only, cap_drop], [true, ["ALL"]]);
  const containerfile = await Deno.readTextFile(new URL(build.dockerfile, files));
  const [, state] = /^VOLUME (.*)$/m.exec(containerfile) ?? [];
  assert.ok(volumes.includes(`state:${state}`), state);
});
