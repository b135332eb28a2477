// What `check` finds on the machine itself: addresses to listen on that are taken, and files with
// secrets or messages that other users can read.

import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf, shellWord } from "../async/mod.ts";
import { type Bind, type Config, formatBind } from "../config/mod.ts";
import type { Finding } from "../telemetry/mod.ts";

/** Whether the addresses can be listened on. Never throws. */
export async function checkBinds({ http_bind, admin_bind }: Config): Promise<readonly Finding[]> {
  const http = await checkBind("http_bind", http_bind);
  if (admin_bind === undefined) return http;
  const [own, admin] = [formatBind(http_bind), formatBind(admin_bind)];
  const isSame = own === admin && !isAnyPort(http_bind);
  if (isSame || excludeEachOther(http_bind, admin_bind)) {
    const detail = isSame
      ? `${admin} is http_bind's own address`
      : `${admin} is taken by http_bind, which is ${own}`;
    const fix = "give it another port, or leave it out";
    return [...http, { subject: "admin_bind", ok: false, detail, fix }];
  }
  return [...http, ...await checkBind("admin_bind", admin_bind)];
}

/**
 * Whether only one of them can be listened on, as of 0.0.0.0:8080 and 127.0.0.1:8080. That is tried at a
 * free port: theirs may be taken by the bridge that runs.
 */
function excludeEachOther(first: Bind, second: Bind): boolean {
  if (first.kind !== "tcp" || second.kind !== "tcp") return false;
  if (first.port !== second.port || isAnyPort(first)) return false;
  let port: number;
  const isFree = (): boolean => {
    try {
      Deno.listen({ ...second, port }).close();
      return true;
    } catch {
      return false;
    }
  };
  try {
    using held = Deno.listen({ ...first, port: 0 });
    ({ port } = held.addr);
    if (isFree()) return false;
  } catch {
    return false; // What is wrong is told of each.
  }
  return isFree(); // Else another program is in the way.
}

function isAnyPort(bind: Bind): boolean {
  return bind.kind === "tcp" && bind.port === 0;
}

async function checkBind(subject: string, bind: Bind): Promise<readonly Finding[]> {
  if (isAnyPort(bind)) return [];
  const address = formatBind(bind);
  try {
    await tryListening(bind);
    return [{ subject, ok: true, detail: `${address} is free` }];
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return [await takenBind(subject, bind)];
    if (error instanceof Deno.errors.AddrNotAvailable) {
      const fix = `set ${subject} to an address of this machine; 0.0.0.0 means all that it has`;
      return [{ subject, ok: false, detail: `this machine has no address ${address}`, fix }];
    }
    // The service may have rights that the person who checks has not.
    const detail = `whether ${address} can be listened on can't be tried: ${messageOf(error)}`;
    return [{ subject, ok: undefined, detail }];
  }
}

async function tryListening(bind: Bind): Promise<void> {
  if (bind.kind === "tcp") return Deno.listen(bind).close();
  try {
    (await Deno.connect({ transport: "unix", path: bind.path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return; // It is replaced at the start.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await stat(dirname(bind.path));
    return;
  }
  throw new Deno.errors.AddrInUse();
}

async function takenBind(subject: string, bind: Bind): Promise<Finding> {
  const address = formatBind(bind);
  if (bind.kind === "tcp" && await isBridge(bind)) {
    return { subject, ok: true, detail: `a bridge runs at ${address}` };
  }
  return {
    subject,
    ok: bind.kind === "tcp" ? false : undefined,
    detail: `another program listens on ${address}`,
    fix: bind.kind === "tcp"
      ? `stop it (ss -ltnp shows which it is), or set ${subject} to another port`
      : "fine if it is a bridge that runs; else set another path",
  };
}

/** Whether it answers as we do. */
async function isBridge({ hostname, port }: Bind & { kind: "tcp" }): Promise<boolean> {
  const isAll = hostname === "0.0.0.0" || hostname === "::";
  const host = formatBind({ kind: "tcp", hostname: isAll ? "127.0.0.1" : hostname, port });
  try {
    const signal = AbortSignal.timeout(2_000);
    const response = await fetch(`http://${host}/livez`, { signal, redirect: "manual" });
    return response.ok && (await response.text()).slice(0, 3) === "ok\n";
  } catch {
    return false;
  }
}

/** Files that other users can read, of those that should be ours alone. Never throws. */
export async function checkFiles(
  config: Config,
  configFile: string | undefined,
): Promise<readonly Finding[]> {
  const { channels, amqp, message_cache_class, message_cache_config: { path } } = config;
  const hasAll = channels.every((channel) =>
    channel.auth_token_file !== "" && channel.turn_hmac_secret_file !== ""
  );
  const cache = message_cache_class === "DenoKvMessageCache" && !/^https?:/i.test(path)
    ? [path, `${path}-wal`]
    : [];
  const files: readonly (readonly [what: string, path: string | undefined, channel?: string])[] = [
    [hasAll ? "configuration" : "configuration, with secrets", configFile],
    ...channels.flatMap(({ auth_token_file, turn_hmac_secret_file, connector_name }) => [
      ["auth_token_file", auth_token_file, connector_name] as const,
      ["turn_hmac_secret_file", turn_hmac_secret_file, connector_name] as const,
    ]),
    ["amqp.password_file", amqp.password_file],
    ["amqp.tls.key_file", amqp.tls.key_file],
    ...cache.map((path) => ["cache, with users' messages", path] as const),
  ];
  const found = await Promise.all(files.map(async ([subject, path, channel]) => {
    if (!path || !await isReadByOthers(path)) return [];
    const detail = `every user of this machine can read ${path}`;
    const fix = `chmod 600 ${shellWord(path)}`;
    return [{ subject, ok: undefined, detail, fix, ...channel && { channel } }];
  }));
  return found.flat();
}

/** Whether its mode, and that of the folders above it, lets everybody read it. */
async function isReadByOthers(path: string): Promise<boolean> {
  try {
    let folder = resolve(path);
    if (((await stat(folder)).mode & 0o004) === 0) return false;
    while (folder !== dirname(folder)) {
      folder = dirname(folder);
      if (((await stat(folder)).mode & 0o001) === 0) return false;
    }
    return true;
  } catch {
    return false; // What can't be read at all is told elsewhere.
  }
}
