/**
 * `turn-channels handset`: simulated phones, on a page, with the broker and the Turn of a configuration.
 * It takes the place of the transport, so that a flow in Turn can be tried from end to end before
 * there is a mobile operator.
 *
 * @module
 */

import { aborted } from "../async/mod.ts";
import { AmqpBroker, type AmqpBrokerOptions } from "../broker/rabbitmq/rabbitmq_broker.ts";
import { AmqpUnreachableError, countConsumers } from "../broker/rabbitmq/check/consumers.ts";
import type { Broker } from "../broker/mod.ts";
import type { Config } from "../config/mod.ts";
import { LogTap } from "../simulator/handset/log_tap.ts";
import { PhonePlay } from "../simulator/handset/phone_play.ts";
import { USSD_CODE } from "../simulator/tour.ts";
import { Transport } from "../simulator/transport.ts";
import { startLogging } from "../telemetry/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { selectChannel } from "./config_command.ts";
import { EXIT } from "./exit_codes.ts";
import { openPage, type PageOptions } from "./page.ts";
import { print, printError } from "./print.ts";
import { StopSignals } from "../service/signals.ts";

/** How {@linkcode handset} runs. */
export interface HandsetOptions extends PageOptions {
  /** Whether to start although another program consumes the queue. */
  readonly force: boolean;
  readonly connector?: string;
}

const TIMEOUT_MS = 10_000;
const USER = "+26612345678";

/** Serves the phones until a signal; returns the exit code. */
export async function handset(config: Config, options: HandsetOptions): Promise<number> {
  const channel = selectChannel(config, options.connector);
  if (channel === undefined) return EXIT.usage;
  const server = brokerOptions(config);
  if (server === undefined) {
    printError(
      "With amqp_url memory: the queues are inside the bridge, where handset can't reach them.\n" +
        "To try everything with such queues: turn-channels demo\n",
    );
    return EXIT.config;
  }
  const { connector_name: connector } = channel;
  const fault = options.force
    ? undefined
    : await reasonAgainst(server, queuesOf(connector).outbound);
  if (fault !== undefined) {
    printError(`${fault}\n`);
    return EXIT.unavailable;
  }
  const logTap = new LogTap(printError);
  using _logging = startLogging({ level: "WARNING", output: logTap });
  using signals = new StopSignals();
  await using broker = AmqpBroker.open(server);
  await using transport = Transport.start({ connectorName: connector, broker });
  using play = new PhonePlay({
    transport,
    connector,
    number: channel.default_from_addr,
    ussdCode: USSD_CODE,
    ussdTimeoutMs: options.ussdTimeout * 1_000,
    user: USER,
  });
  await connected(broker, signals.first);
  logTap.listener = { line: (line) => play.journal.add(line) };
  await using page = openPage(options, play);
  if (page === undefined) return EXIT.unavailable;
  print(`${page.welcome}\nThe phones use the queues of ${connector}. Ctrl-C ends the program.\n`);
  await aborted(signals.first);
  return EXIT.ok;
}

/** Waits a moment, so that the first actions at the page find the broker ready. */
async function connected(broker: Broker, stop: AbortSignal): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (broker.status().state === "connecting" && Date.now() < deadline && !stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Why it should not consume the transport's queue; undefined if it may. */
async function reasonAgainst(
  server: AmqpBrokerOptions,
  queue: string,
): Promise<string | undefined> {
  try {
    const others = await countConsumers(server, queue, TIMEOUT_MS);
    if (others === 0) return undefined;
    return `Another program consumes ${queue} (consumers: ${others}), most likely a transport.\n` +
      "Each message would reach only one of the two; --force starts nevertheless.";
  } catch (error) {
    if (!(error instanceof AmqpUnreachableError)) throw error;
    return error.message;
  }
}
