// `turn-channels handset`: simulated phones, on a page, with the broker and the Turn of a configuration.
// It takes the place of the transport, so that a flow in Turn can be tried from end to end before
// there is a mobile operator.

import { aborted } from "../async/mod.ts";
import { AmqpBroker } from "../broker/rabbitmq/rabbitmq_broker.ts";
import type { Config } from "../config/mod.ts";
import { LogTap } from "../simulator/handset/log_tap.ts";
import { phonePlay } from "../simulator/handset/phone_play.ts";
import { Transport } from "../simulator/transport.ts";
import { startLogging } from "../telemetry/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { Signals } from "../service/signals.ts";
import { queuesOf } from "../vumi/mod.ts";
import { selectChannel, TIMEOUT_MS } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { openPage, type PageOptions } from "./page.ts";
import { print, printError } from "./print.ts";

export interface HandsetOptions extends PageOptions {
  /** Whether to start although messages wait in the queue, or another program consumes it. */
  readonly force: boolean;
  readonly connector?: string;
}

/** Serves the phones until a signal; returns the exit code. */
export async function handset(config: Config, options: HandsetOptions): Promise<number> {
  const channel = selectChannel(config, options.connector);
  const server = brokerOptions(config);
  if (server === undefined) {
    throw new CommandError(
      EXIT.config,
      "With amqp_url memory: the queues are inside the bridge, where handset can't reach them.\n" +
        "To try everything with such queues: turn-channels demo",
    );
  }
  const { connector_name: connector } = channel;
  const { outbound } = queuesOf(connector);
  await using broker = AmqpBroker.open(server);
  await broker.ready(TIMEOUT_MS);
  if (!options.force) await refuseIfUsed(broker, outbound);
  const logTap = new LogTap(printError);
  await using _logging = startLogging({ level: "WARNING", output: logTap });
  const signals = new Signals();
  signals.onHangup(signals.stop);
  signals.heed();
  await using transport = new Transport(connector, broker);
  using play = phonePlay(transport, channel.default_from_addr);
  logTap.listener = { line: (line) => play.journal.add(line) };
  await using page = await openPage(options, play);
  // Not before all else is there: what is taken is gone.
  transport.start();
  print(
    `Open the page in a browser: ${page.url}\n` +
      `The phones use the queues of ${connector}. Ctrl-C ends the program.\n`,
  );
  await aborted(signals.first);
  return EXIT.ok;
}

/** @throws {CommandError} If messages in the queue are meant for somebody else. */
async function refuseIfUsed(broker: AmqpBroker, outbound: string): Promise<void> {
  const others = await broker.consumersOf(outbound);
  if (others > 0) {
    throw new CommandError(
      EXIT.unavailable,
      `Another program consumes ${outbound} (consumers: ${others}), most likely a transport.\n` +
        "Each message would reach only one of the two; --force starts nevertheless.",
    );
  }
  const waiting = await broker.depth(outbound) ?? 0;
  if (waiting > 0) {
    throw new CommandError(
      EXIT.unavailable,
      `Messages to users wait in ${outbound}: ${waiting}. Simulated phones would take them, ` +
        "and no user would get them.\nStart the transport, which sends them; " +
        "or --force takes them nevertheless.",
    );
  }
}
