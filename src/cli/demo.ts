/**
 * `turn-channels demo`: the real bridge between a simulated Turn and simulated phones, to look at and to
 * play with on a page. The tour is shown in the terminal too.
 *
 * @module
 */

import { MemoryBroker } from "../broker/memory/memory_broker.ts";
import { type Config, loadConfig } from "../config/mod.ts";
import { DemoPlay } from "../simulator/handset/demo_play.ts";
import { LogTap } from "../simulator/handset/log_tap.ts";
import { Screen } from "../simulator/screen.ts";
import { type Answerer, SimulatedTurn } from "../simulator/simulated_turn.ts";
import { Transport } from "../simulator/transport.ts";
import { startLogging } from "../telemetry/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { ListenError } from "../service/http.ts";
import { openPage, type PageOptions } from "./page.ts";
import { print, printError } from "./print.ts";
import { type Service, startService } from "../service/service.ts";
import { aborted } from "../async/mod.ts";
import { StopSignals } from "../service/signals.ts";

interface DemoOptions extends PageOptions {
  /** Whether it ends after the tour, without the page. */
  readonly once: boolean;
  /** The port of the bridge; if undefined 8080, or a free one when that is taken. */
  readonly port: number | undefined;
  /** How Turn answers calls; by default with 200. */
  readonly answer?: Answerer;
}

const DEFAULT_PORT = 8080;
const CONNECTOR_NAME = "demo";
/** No secrets: they open nothing but the demo. */
const HMAC_SECRET = "demo-secret";
const AUTH_TOKEN = "demo-token";
const DRAIN_MS = 5_000;

/** Shows the bridge at work; returns the exit code. */
export async function demo(options: DemoOptions): Promise<number> {
  const { once, port, answer, ussdTimeout } = options;
  const logTap = new LogTap(printError);
  using _logging = startLogging({ level: "INFO", output: logTap });
  using signals = new StopSignals();
  const stop = signals.first;
  const screen = new Screen({
    write: print,
    colours: Deno.stdout.isTerminal() && !Deno.noColor,
  });
  await using turn = new SimulatedTurn({ authToken: AUTH_TOKEN, answer });
  const bridge = await startBridge(port, turn.url, screen);
  if (bridge === undefined) return EXIT.unavailable;
  await using service = bridge.service;
  await using transport = Transport.start({ connectorName: CONNECTOR_NAME, broker: bridge.broker });
  await using play = new DemoPlay({
    turn,
    transport,
    bridgeUrl: service.address,
    hmacSecret: HMAC_SECRET,
    broker: bridge.broker,
    ussdTimeoutMs: ussdTimeout * 1_000,
  });
  logTap.listener = play.logListener;
  if (once) return await play.tour(screen, 0, stop) ? EXIT.ok : EXIT.findings;
  await using page = openPage(options, play);
  if (page === undefined) return EXIT.unavailable;
  await play.tour(screen, 0, stop);
  screen.say(
    `\n${page.welcome}\nThe bridge takes Turn's requests at ${service.address}/messages. ` +
      "Ctrl-C ends the demo.",
  );
  await aborted(stop);
  await service.drain(AbortSignal.timeout(DRAIN_MS));
  return EXIT.ok;
}

interface RunningBridge {
  readonly service: Service;
  readonly broker: MemoryBroker;
}

/** Starts it on the port asked for or not at all; without one on the default port, or a free one. */
async function startBridge(
  port: number | undefined,
  turnUrl: string,
  screen: Screen,
): Promise<RunningBridge | undefined> {
  try {
    return await listen(port ?? DEFAULT_PORT, turnUrl);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    if (port !== undefined) {
      printError(`${error.message}\n`);
      return undefined;
    }
    screen.say(`Port ${DEFAULT_PORT} is not available, so a free one is used.`);
    return await listen(0, turnUrl);
  }
}

async function listen(port: number, turnUrl: string): Promise<RunningBridge> {
  const broker = MemoryBroker.open();
  return { broker, service: await startService(await demoConfig(port, turnUrl), broker) };
}

/** What an operator would set, and defaults for the rest. */
async function demoConfig(port: number, turnUrl: string): Promise<Config> {
  const flags = {
    "connector-name": CONNECTOR_NAME,
    "http-bind": `127.0.0.1:${port}`,
    "default-from-addr": "8110",
    "turn-api-url": turnUrl,
    "auth-token": AUTH_TOKEN,
    "turn-hmac-secret": HMAC_SECRET,
  };
  const loaded = await loadConfig({ flags, env: {} });
  if (loaded.kind === "ok") return loaded.config;
  throw new TypeError(`Cannot configure the demo: ${loaded.faults.map(({ key }) => key)}`);
}
