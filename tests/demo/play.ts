/**
 * The demo's stage with a real bridge, for tests: what is shown is kept.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { type Service, startService } from "../../src/cli/service.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { type Answerer, FakeTurn, Screen, Stage, Transport } from "../../src/demo/mod.ts";

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
}

/** A stage that is set. */
export interface Play extends AsyncDisposable {
  readonly turn: FakeTurn;
  readonly stage: Stage;
  readonly screen: Screen;
  /** All that was shown, with the escape codes. */
  shown(): string;
  /** The lines with the verdicts at the end. */
  verdicts(): readonly string[];
}

/** Sets it. */
export async function startPlay(options: PlayOptions = {}): Promise<Play> {
  const { hmacSecret = "secret", authToken = "token", answer, colours = false } = options;
  await using parts = new AsyncDisposableStack();
  const turn = parts.use(FakeTurn.start(answer === undefined ? {} : { answer }));
  const broker = MemoryBroker.open();
  const service = parts.use(await startBridge(turn.url, authToken, broker));
  const transport = parts.use(Transport.start({ connectorName: "play", broker }));
  let shown = "";
  const screen = new Screen({ write: (text) => shown += text, colours });
  const messagesUrl = `${service.address}/messages`;
  const stage = new Stage({ turn, transport, screen, messagesUrl, hmacSecret });
  const all = parts.move();
  return {
    turn,
    stage,
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
  authToken: string,
  broker: MemoryBroker,
): Promise<Service> {
  const flags = {
    "connector-name": "play",
    "http-bind": "127.0.0.1:0",
    "default-from-addr": "8110",
    "turn-api-url": turnUrl,
    "auth-token": authToken,
    "turn-hmac-secret": "secret",
  };
  const loaded = await loadConfig({ flags, env: {} });
  if (loaded.kind !== "ok") throw new TypeError("The test's configuration is faulty");
  return await startService(loaded.config, broker);
}
