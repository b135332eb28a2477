/**
 * The demo's parties with a real bridge, for tests: what is shown is kept.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { type Service, startService } from "../../src/service/service.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { DemoPlay } from "../../src/simulator/handset/demo_play.ts";
import { LogTap } from "../../src/simulator/handset/log_tap.ts";
import { Screen } from "../../src/simulator/screen.ts";
import type { runTour } from "../../src/simulator/tour.ts";
import { Transport } from "../../src/simulator/transport.ts";
import { startLogging } from "../../src/telemetry/mod.ts";
import { type Answerer, FakeTurn } from "../support/fake_turn.ts";

/** What differs from a demo in which all is well. */
export interface PlayOptions {
  /** What Turn signs with, in place of what the bridge expects. */
  readonly hmacSecret?: string;
  /** What the bridge tells Turn, in place of what Turn expects. */
  readonly authToken?: string;
  /** What becomes of calls to Turn. */
  readonly answer?: Answerer;
  /** Whether there are colours. */
  readonly colours?: boolean;
  /** How long a USSD session lives, in milliseconds. */
  readonly ussdTimeoutMs?: number;
  /** How long the network waits for a screen, in milliseconds. */
  readonly ussdWaitMs?: number;
  /** More of the bridge's configuration. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** The parties, and what they show. */
export interface Play extends AsyncDisposable {
  readonly turn: FakeTurn;
  readonly transport: Transport;
  readonly broker: MemoryBroker;
  readonly service: Service;
  readonly screen: Screen;
  /** All that was shown, with the escape codes. */
  shown(): string;
  /** The lines with the verdicts at the end. */
  verdicts(): readonly string[];
}

/** Starts them, for a test of the tour. */
export async function startPlay(
  options: PlayOptions = {},
): Promise<Play & Pick<Parameters<typeof runTour>[0], "ask">> {
  const parties = await startParties(options);
  const { hmacSecret = "secret" } = options;
  const url = `${parties.service.address}/messages`;
  return { ...parties, ask: (body) => parties.turn.ask(url, body, { secret: hmacSecret }) };
}

/** Starts them, with phones and a Turn that act by themselves, or as they are told at the page. */
export async function startDemoPlay(
  options: PlayOptions = {},
): Promise<Play & { readonly play: DemoPlay }> {
  const logTap = new LogTap(() => {});
  const logging = startLogging({ level: "INFO", output: logTap });
  const parties = await startParties(options);
  const { hmacSecret = "secret", ussdTimeoutMs, ussdWaitMs } = options;
  const play = new DemoPlay({
    ...parties,
    tourPauseMs: 50,
    bridgeUrl: parties.service.address,
    hmacSecret,
    ussdTimeoutMs,
    ussdWaitMs,
  });
  logTap.listener = play.logListener;
  return {
    ...parties,
    play,
    [Symbol.asyncDispose]: async () => {
      await play[Symbol.asyncDispose]();
      await parties[Symbol.asyncDispose]();
      await logging[Symbol.asyncDispose]();
    },
  };
}

async function startParties(options: PlayOptions): Promise<Play> {
  const { authToken = "token", answer, colours = false, flags = {} } = options;
  await using parts = new AsyncDisposableStack();
  const turn = parts.use(FakeTurn.start({ answer }));
  const broker = MemoryBroker.open();
  const service = parts.use(
    await startBridge(turn.url, { "auth-token": authToken, ...flags }, broker),
  );
  const transport = parts.use(new Transport("play", broker));
  transport.start();
  let shown = "";
  const screen = new Screen((text) => shown += text, colours);
  const all = parts.move();
  return {
    turn,
    transport,
    broker,
    service,
    screen,
    shown: () => shown,
    verdicts: () => stripVTControlCharacters(shown).trimEnd().split("\n").slice(-3),
    [Symbol.asyncDispose]: async () => {
      // At once: calls that are tried again would outlive the service otherwise.
      await service.drain(AbortSignal.abort());
      await all.disposeAsync();
    },
  };
}

async function startBridge(
  turnUrl: string,
  more: Readonly<Record<string, string>>,
  broker: MemoryBroker,
): Promise<Service> {
  const flags = {
    "connector-name": "play",
    "http-bind": "127.0.0.1:0",
    "default-from-addr": "8110",
    "turn-api-url": turnUrl,
    "turn-hmac-secret": "secret",
    ...more,
  };
  const loaded = await loadConfig({ flags, env: {} });
  if (loaded.kind !== "ok") throw new TypeError("The test's configuration is faulty");
  return await startService(loaded.config, { broker });
}
