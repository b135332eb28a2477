import assert from "node:assert/strict";
import { checkBinds, checkFiles } from "../../src/cli/check_machine.ts";
import { freePort } from "../support/free_port.ts";
import { valid } from "../config/support.ts";

/** What is found of these addresses. */
async function binds(http: string, admin?: string) {
  const flags = { "http-bind": http, ...admin !== undefined && { "admin-bind": admin } };
  const config = await valid({ env: { X: "" }, flags });
  return (await checkBinds(config)).map(({ subject, ok, detail }) => [subject, ok, detail]);
}

Deno.test("an address that is free is fine, and port 0 needs no word", async () => {
  const free = `127.0.0.1:${freePort()}`;
  assert.deepEqual(await binds(free), [["http_bind", true, `${free} is free`]]);
  assert.deepEqual(await binds("127.0.0.1:0", "127.0.0.1:0"), []);
});

for (
  const [what, answer, ok, says] of [
    ["another program", "hello", false, "another program listens on"],
    ["a bridge", "ok\n", true, "a bridge runs at"],
  ] as const
) {
  Deno.test(`an address at which ${what} listens is told`, async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => new Response(url.endsWith("/livez") ? answer : "", { status: 200 }),
    );
    const bind = `127.0.0.1:${server.addr.port}`;
    const free = `127.0.0.1:${freePort()}`;
    assert.deepEqual(await binds(free, bind), [
      ["http_bind", true, `${free} is free`],
      ["admin_bind", ok, `${says} ${bind}`],
    ]);
  });
}

Deno.test("an address that this machine has not, or that is there twice, is told", async () => {
  assert.deepEqual(await binds("192.0.2.1:8080"), [
    ["http_bind", false, "this machine has no address 192.0.2.1:8080"],
  ]);
  const both = `127.0.0.1:${freePort()}`;
  assert.deepEqual((await binds(both, both)).slice(1), [
    ["admin_bind", false, `${both} is http_bind's own address`],
  ]);
});

const hasIpv6 = (() => {
  try {
    Deno.listen({ hostname: "::", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
})();

Deno.test("an address that http_bind takes too is told, also while a bridge runs there", async () => {
  const port = freePort();
  const pairs = [
    ["0.0.0.0", "127.0.0.1"],
    ["127.0.0.1", "0.0.0.0"],
    ...hasIpv6 ? [["[::]", "127.0.0.1"], ["0.0.0.0", "[::]"]] : [],
  ];
  const tryAll = async () => {
    for (const [http, admin] of pairs) {
      assert.deepEqual((await binds(`${http}:${port}`, `${admin}:${port}`))[1], [
        "admin_bind",
        false,
        `${admin}:${port} is taken by http_bind, which is ${http}:${port}`,
      ]);
    }
  };
  await tryAll();
  await using _bridge = Deno.serve(
    { hostname: "0.0.0.0", port, onListen() {} },
    () => new Response("ok\n"),
  );
  await tryAll();
});

Deno.test("two addresses of this machine may have the same port", async () => {
  const port = freePort();
  const [, admin] = await binds(`127.0.0.1:${port}`, `127.0.0.2:${port}`);
  assert.deepEqual(admin, ["admin_bind", true, `127.0.0.2:${port} is free`]);
});

Deno.test("a socket's path is free if nobody listens, and its folder is there", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  assert.deepEqual(await binds(`unix:${path}`), [["http_bind", true, `unix:${path} is free`]]);
  const listener = Deno.listen({ transport: "unix", path });
  const [taken] = await binds(`unix:${path}`);
  assert.deepEqual(taken, ["http_bind", undefined, `another program listens on unix:${path}`]);
  listener.close();
  const [none] = await binds(`unix:${folder}/none/s`);
  assert.equal(none?.[1], undefined);
  assert.match(String(none?.[2]), /can't be tried: .*no such file/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("files that others can read are told, but not below a closed folder", async () => {
  const folder = await Deno.makeTempDir();
  const write = async (name: string, mode: number): Promise<string> => {
    await Deno.writeTextFile(`${folder}/${name}`, "x", { mode });
    return `${folder}/${name}`;
  };
  const [open, closed] = [await write("open", 0o644), await write("closed", 0o640)];
  const cache = await write("c $(c).kv", 0o604);
  const config = await valid({
    file: JSON.stringify({
      message_cache_class: "DenoKvMessageCache",
      message_cache_config: { path: cache },
    }),
  });
  const [channel] = config.channels;
  const named = {
    ...config,
    channels: [{ ...channel!, auth_token_file: open, turn_hmac_secret_file: closed }],
  };
  await Deno.chmod(folder, 0o700);
  assert.deepEqual(await checkFiles(named, open), []);
  await Deno.chmod(folder, 0o755);
  const found = await checkFiles(named, open);
  assert.deepEqual(found.map(({ channel, subject, fix }) => [channel, subject, fix]), [
    [undefined, "configuration", `chmod 600 ${open}`],
    ["turn", "auth_token_file", `chmod 600 ${open}`],
    [undefined, "cache, with users' messages", `chmod 600 '${cache}'`],
  ]);
  await Deno.remove(folder, { recursive: true });
});
