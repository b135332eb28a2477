/**
 * `turn-channels demo`: the real bridge between a fake Turn and a played phone, to look at and to
 * play with.
 *
 * @module
 */

import { MemoryBroker } from "../broker/memory.ts";
import { type Config, loadConfig } from "../config/mod.ts";
import {
  curlCommand,
  FakeTurn,
  goLive,
  OUTBOUND_EXAMPLE,
  runTour,
  Screen,
  Stage,
  Transport,
} from "../demo/mod.ts";
import { startLogging } from "../telemetry/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { ListenError } from "./http.ts";
import { print, printError } from "./print.ts";
import { type Service, startService } from "./service.ts";

/** How {@linkcode demo} runs. */
export interface DemoOptions {
  /** Whether it ends when the script is through. */
  readonly once: boolean;
  /** The port of the bridge; if undefined 8080, or a free one when that is taken. */
  readonly port: number | undefined;
}

const DEFAULT_PORT = 8080;
const CONNECTOR_NAME = "demo";
/** No secrets: they open nothing but this demo. */
const HMAC_SECRET = "demo-secret";
const AUTH_TOKEN = "demo-token";
const DRAIN_MS = 5_000;

/** Shows the bridge at work. Answers the exit code. */
export async function demo({ once, port }: DemoOptions): Promise<number> {
  using _logging = startLogging({ level: "WARNING" });
  using stop = new StopSignal();
  const screen = new Screen({
    write: print,
    colours: Deno.stdout.isTerminal() && !Deno.noColor,
  });
  await using turn = FakeTurn.start();
}
