/**
 * What a process has open, by the names of what that leads to, as Linux tells it.
 *
 * @module
 */

/** What is open: a connection by the name of the port it goes to, or else as a client's. */
export async function openIn(
  pid: number,
  ports: Readonly<Record<number, string>>,
): Promise<string[]> {
  const open: string[] = [];
  const peers = await peersOf(pid);
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => undefined);
    if (target === undefined) continue; // Closed meanwhile.
    const peer = peers.get(target);
    const other = target.replace(/:?\[\d+\]$/, "");
    open.push(peer === undefined ? other : peer === 0 ? "listener" : ports[peer] ?? "client");
  }
  return open;
}

/** How many of each. */
export function inWords(open: readonly string[]): string {
  const kinds = [...Map.groupBy(open, (what) => what)];
  return kinds.map(([what, { length }]) => `${length} ${what}`).sort().join(", ");
}

/** The port at the other end of each IPv4 connection, 0 where it listens. */
async function peersOf(pid: number): Promise<Map<string, number>> {
  const [, ...lines] = (await Deno.readTextFile(`/proc/${pid}/net/tcp`)).trim().split("\n");
  return new Map(lines.map((line) => {
    const [, , peer = "", , , , , , , inode] = line.trim().split(/\s+/);
    return [`socket:[${inode}]`, Number.parseInt(peer.slice(peer.indexOf(":") + 1), 16)];
  }));
}
