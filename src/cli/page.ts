// Serving the page of `demo` and `handset`.

import { isLoopback, PageServer, type Play } from "../simulator/handset/server.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { print } from "./print.ts";

export interface PageOptions {
  readonly pageHost: string;
  /** If not given 8090, or a free one when that is taken. */
  readonly pagePort?: number;
}

const PORT = 8090;

/** @throws {CommandError} If the page can't be served there. */
export async function openPage({ pageHost: hostname, pagePort }: PageOptions, play: Play) {
  try {
    const page = await onPort(pagePort, PORT, (port) => new PageServer({ hostname, port, play }));
    if (!isLoopback(hostname)) {
      print(`Anyone who can reach ${hostname} can use the page: it has no password.\n`);
    }
    return page;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const address = `${hostname}:${pagePort ?? PORT}`;
    const reason = `Cannot serve the page on ${address}: ${error.message}`;
    throw new CommandError(EXIT.unavailable, reason);
  }
}

/** Listens on the port that was asked for; if none was, on `standard` or a free one. */
export async function onPort<T>(
  asked: number | undefined,
  standard: number,
  listen: (port: number) => T | Promise<T>,
): Promise<T> {
  try {
    return await listen(asked ?? standard);
  } catch (error) {
    const { AddrInUse } = Deno.errors;
    const isTaken = error instanceof Error &&
      (error instanceof AddrInUse || error.cause instanceof AddrInUse);
    if (asked !== undefined || !isTaken) throw error;
    print(`Port ${standard} is not available, so a free one is used.\n`);
    return await listen(0);
  }
}
