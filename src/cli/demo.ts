// `turn-channels demo`: the real bridge between a simulated Turn and simulated phones, to look at and to
// play with on a page. The tour is shown in the terminal too.

import { aborted } from "../async/mod.ts";
import { MemoryBroker } from "../broker/memory/memory_broker.ts";
import { type Config, loadConfig } from "../config/mod.ts";
import { DemoPlay } from "../simulator/handset/demo_play.ts";
import { LogTap } from "../simulator/handset/log_tap.ts";
import { Screen } from "../simulator/screen.ts";
import { type Answerer, SimulatedTurn } from "../simulator/simulated_turn.ts";
import { USSD_CODE } from "../simulator/tour_messages.ts";
import { Transport } from "../simulator/transport.ts";
import { startService } from "../service/service.ts";
import { Signals } from "../service/signals.ts";
import { startLogging } from "../telemetry/mod.ts";
import { validConfig } from "./config_command.ts";
import { EXIT } from "./exit_codes.ts";
import { onPort, openPage, type PageOptions } from "./page.ts";
import { print, printError } from "./print.ts";

export interface DemoOptions extends PageOptions {
  /** Whether it ends after the tour, without the page. */
  readonly once: boolean;
  /** The port of the bridge; if not given 8080, or a free one when that is taken. */
  readonly port?: number;
  /** How Turn answers calls; by default with 200. */
  readonly answer?: Answerer;
}

const DEFAULT_PORT = 8080;
const CONNECTOR_NAME = "demo";
/** No secrets: they open nothing but the demo. */
const HMAC_SECRET = "demo-secret";
const AUTH_TOKEN = "demo-token";
const DRAIN_MS = 5_000;

export async function demo(options: DemoOptions): Promise<number> {
  const { once, port, answer } = options;
  const logTap = new LogTap(printError);
  await using _logging = startLogging({ level: "INFO", output: logTap });
  const signals = new Signals();
  signals.onHangup(signals.stop);
  signals.heed();
  const stop = signals.first;
  const screen = new Screen(print, Deno.stdout.isTerminal() && !Deno.noColor);
  await using turn = new SimulatedTurn({ authToken: AUTH_TOKEN, answer });
  const { service: opened, broker } = await onPort(port, DEFAULT_PORT, async (port) => {
    const broker = MemoryBroker.open();
    return { broker, service: await startService(await demoConfig(port, turn.url), { broker }) };
  });
  await using service = opened;
  await using transport = new Transport(CONNECTOR_NAME, broker);
  transport.start();
  await using play = new DemoPlay({
    turn,
    transport,
    bridgeUrl: service.address,
    hmacSecret: HMAC_SECRET,
    broker,
  });
  logTap.listener = play.logListener;
  if (once) return await play.tour(screen, 0, stop) ? EXIT.ok : EXIT.findings;
  await using page = await openPage(options, play);
  await play.tour(screen, 0, stop);
  screen.say(
    `\nOpen the page in a browser: ${page.url}\n` +
      `The bridge takes Turn's requests at ${service.address}/messages. Ctrl-C ends the demo.`,
  );
  await aborted(stop);
  await service.drain(AbortSignal.timeout(DRAIN_MS));
  return EXIT.ok;
}

/** A configuration as an operator would write it. */
async function demoConfig(port: number, turnUrl: string): Promise<Config> {
  const flags = {
    "connector-name": CONNECTOR_NAME,
    "http-bind": `127.0.0.1:${port}`,
    "default-from-addr": "8110",
    "turn-api-url": turnUrl,
    "auth-token": AUTH_TOKEN,
    "turn-hmac-secret": HMAC_SECRET,
    "ussd-hold-text": "Please wait. Reply 1 to continue.",
    "sms-fallback-transport-name": `${CONNECTOR_NAME}_sms`,
    "sms-fallback-from-addr": "8110",
    "sms-fallback-notice-text": `You have a message from us. Dial ${USSD_CODE} to read it.`,
  };
  return validConfig(await loadConfig({ flags, env: {} }));
}
