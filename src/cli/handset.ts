/**
 * `turn-channels handset`: played phones, on a page, before the broker and the Turn of a
 * configuration. It takes the place of the transport, so that a flow in Turn can be tried from end to
 * end before there is an operator.
 *
 * @module
 */

import { AmqpBroker, type AmqpBrokerOptions } from "../broker/rabbitmq/rabbitmq_broker.ts";
import { AmqpUnreachableError, countConsumers } from "../broker/rabbitmq/consumers.ts";
import type { Broker } from "../broker/mod.ts";
import type { Config } from "../config/mod.ts";
import { USSD_CODE } from "../simulator/examples.ts";
import { LogTap } from "../simulator/handset/log_tap.ts";
import { PhonePlay } from "../simulator/handset/phone_play.ts";
import { Transport } from "../simulator/transport.ts";
import { startLogging } from "../telemetry/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { selectChannel } from "./select_channels.ts";
import { EXIT } from "./exit_codes.ts";
import { openPage, type PageOptions } from "./page.ts";
import { print, printError } from "./print.ts";
import { aborted, StopSignals } from "../service/signals.ts";

/** How {@linkcode handset} runs. */
export interface HandsetOptions extends PageOptions {
  /** Whether to start although another program consumes the queue. */
  readonly force: boolean;
  readonly connector?: string;
}

const TIMEOUT_MS = 10_000;
const USER = "+26612345678";

/** Serves the phones until it is told to stop. Answers the exit code. */
export async function handset(config: Config, options: HandsetOptions): Promise<number> {
  const channel = selectChannel(config, options.connector);
  if (channel === undefined) return EXIT.usage;
  const server = brokerOptions(config);
  if (server === undefined) {
    printError(
      "With amqp_url memory: the queues are inside the bridge, where nobody else reaches them.\n" +
        "To try it all on such queues: turn-channels demo\n",
    );
    return EXIT.config;
  }
  const { connector_name: connector } = channel;
  const fault = options.force ? undefined : await whyNot(server, queuesOf(connector).outbound);
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
  logTap.listener = { line: (line) => play.journal.add(line), values: () => {} };
  await using page = openPage(options, play);
  if (page === undefined) return EXIT.unavailable;
  print(`${page.welcome}\nThe phones are on the queues of ${connector}. Ctrl-C ends it.\n`);
  await aborted(signals.first);
  return EXIT.ok;
}

/** Waits a moment, so that what is done first at the page is not lost on an unready broker. */
async function connected(broker: Broker, stop: AbortSignal): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (broker.status().state === "connecting" && Date.now() < deadline && !stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Why the place of the transport is not to be taken. */
async function whyNot(server: AmqpBrokerOptions, queue: string): Promise<string | undefined> {
  try {
    const others = await countConsumers(server, queue, TIMEOUT_MS);
    if (others === 0) return undefined;
    return `Somebody else takes messages off ${queue} (consumers: ${others}), a transport most ` +
      "likely.\nEach message would come to one of you only; --force does it all the same.";
  } catch (error) {
    if (!(error instanceof AmqpUnreachableError)) throw error;
    return error.message;
  }
}
