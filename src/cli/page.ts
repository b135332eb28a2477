/**
 * Serving the page of `demo` and `handset`.
 *
 * @module
 */

import { isLoopback, PageServer, type Play } from "../simulator/handset/server.ts";
import { print, printError } from "./print.ts";

/** The page's flags. */
export interface PageOptions {
  readonly pageHost: string;
  /** If undefined 8090, or a free one when that is taken. */
  readonly pagePort: number | undefined;
  /** In seconds. */
  readonly ussdTimeout: number;
}

/** A page that is served. */
export interface Page extends AsyncDisposable {
  /** Says where it is. */
  readonly welcome: string;
}

const DEFAULT_PORT = 8090;

/** Serves the page. Undefined, with a message printed, if that can't be done. */
export function openPage({ pageHost, pagePort }: PageOptions, play: Play): Page | undefined {
  const server = listen(pageHost, pagePort, play);
  if (typeof server === "string") {
    printError(server);
    return undefined;
  }
  if (!isLoopback(pageHost)) {
    print(`Anyone who can reach ${pageHost} can use the page: it has no password.\n`);
  }
  return {
    welcome: `Open the page in a browser: ${server.url}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function listen(hostname: string, port: number | undefined, play: Play): PageServer | string {
  try {
    return PageServer.listen({ hostname, port: port ?? DEFAULT_PORT, play });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (port === undefined && error instanceof Deno.errors.AddrInUse) {
      return PageServer.listen({ hostname, port: 0, play });
    }
    return `Cannot serve the page on ${hostname}:${port ?? DEFAULT_PORT}: ${error.message}\n`;
  }
}
