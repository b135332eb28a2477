/**
 * `turn-channels demo`: the real bridge between a fake Turn and a played phone, to look at and to
 * play with.
 *
 * @module
 */

import { MemoryBroker } from "../broker/memory.ts";
import { type Config, loadConfig } from "../config/mod.ts";
import { type Answerer, FakeTurn, goLive, runTour, Screen, Stage, Transport } from "../demo/mod.ts";
import { startLogging } from "../telemetry/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { ListenError } from "./http.ts";
import { print, printError } from "./print.ts";
import { type Service, startService } from "./service.ts";
import { StopSignals } from "./signals.ts";

/** How {@linkcode demo} runs. */
export interface DemoOptions {
  /** Whether it ends when the script is through. */
  readonly once: boolean;
  /** The port of the bridge; if undefined 8080, or a free one when that is taken. */
  readonly port: number | undefined;
  /** What becomes of calls to Turn; by default it takes them all. */
  readonly answer?: Answerer;
}

const DEFAULT_PORT = 8080;
const CONNECTOR_NAME = "demo";
/** No secrets: they open nothing but the demo. */
const HMAC_SECRET = "demo-secret";
const AUTH_TOKEN = "demo-token";
const DRAIN_MS = 5_000;

/** Shows the bridge at work. Answers the exit code. */
export async function demo({ once, port, ...turnOptions }: DemoOptions): Promise<number> {
  using _logging = startLogging({ level: "WARNING" });
  using signals = new StopSignals();
  const stop = signals.first;
  const screen = new Screen({
    write: print,
    colours: Deno.stdout.isTerminal() && !Deno.noColor,
  });
  await using turn = FakeTurn.start({ ...turnOptions, authToken: AUTH_TOKEN });
  const bridge = await startBridge(port, turn.url, screen);
  if (bridge === undefined) return EXIT.unavailable;
  await using service = bridge.service;
  await using transport = Transport.start({ connectorName: CONNECTOR_NAME, broker: bridge.broker });
  const messagesUrl = `${service.address}/messages`;
  const stage = new Stage({ turn, transport, screen, messagesUrl, hmacSecret: HMAC_SECRET });
  const passed = await runTour({ stage, screen, stop });
  if (!once && !stop.aborted) {
    const endsWithInput = Deno.stdin.isTerminal();
    await goLive({ stage, screen, input: Deno.stdin.readable, endsWithInput, stop });
  }
  await service.drain(AbortSignal.timeout(DRAIN_MS));
  return once && !passed ? EXIT.findings : EXIT.ok;
}

interface RunningBridge {
  readonly service: Service;
  readonly broker: MemoryBroker;
}

/** On the port asked for or not at all, and else wherever there is room. */
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
    screen.say(`Port ${DEFAULT_PORT} can't be had, so a free one is taken.`);
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
