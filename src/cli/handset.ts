// `turn-channels handset`: simulated phones, on a page, with the broker and the Turn of a configuration.
// It takes the place of the transport, so that a flow in Turn can be tried from end to end before
// there is a mobile operator.

import { aborted } from "../async/mod.ts";
import { AmqpBroker } from "../broker/rabbitmq/rabbitmq_broker.ts";
import type { ChannelConfig, Config } from "../config/mod.ts";
import { LogTap } from "../simulator/handset/log_tap.ts";
import {
  type Decision,
  forWhom,
  lookAtWaiting,
  MOST_WAITING,
  type WaitingMessage,
} from "../simulator/handset/others.ts";
import { operatorsUrl } from "./running_bridge.ts";
import { PhonePlay } from "../simulator/handset/phone_play.ts";
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
  /** Whether to start although another program consumes the queue. */
  readonly force: boolean;
  /** What becomes of messages that wait in the queue; if not given it is asked at the page. */
  readonly waiting?: Decision;
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
  const { inbound, outbound } = queuesOf(connector);
  await using broker = AmqpBroker.open(server);
  await broker.ready(TIMEOUT_MS);
  if (!options.force) await refuseIfUsed(broker, outbound);
  const waited = await waitingIn(broker, outbound);
  const logTap = new LogTap(printError);
  await using _logging = startLogging({ level: "WARNING", output: logTap });
  const signals = new Signals();
  signals.onHangup(signals.stop);
  signals.heed();
  await using transport = new Transport(connector, broker);
  await using play = new PhonePlay({
    transport,
    number: channel.default_from_addr,
    transportType: channel.transport_type,
    moreLine: `${channel.ussd.more_key}. ${channel.ussd.more_text}`,
    waited,
    decision: options.waiting,
    consumers: options.force ? undefined : () => broker.consumersOf(outbound),
    failedStatus: channel.failed_status,
    bridge: {
      ...{ connector, queue: inbound, address: operatorsUrl(config) },
      consumers: () => broker.consumersOf(inbound),
    },
  });
  logTap.listener = { line: (line) => play.journal.add(line) };
  await using page = await openPage(options, play);
  if (waited.length > 0) print(waitingWords(outbound, waited, channel, options.waiting));
  // Not before all else is there: what is taken is gone.
  play.start();
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
}

/**
 * The messages that wait in the queue.
 * @throws {CommandError} If they are too many to be left there.
 */
async function waitingIn(broker: AmqpBroker, outbound: string): Promise<readonly WaitingMessage[]> {
  const depth = await broker.depth(outbound) ?? 0;
  if (depth === 0) return [];
  if (depth <= MOST_WAITING) return await lookAtWaiting(broker, outbound);
  throw new CommandError(
    EXIT.unavailable,
    `${messagesTo(depth)} in ${outbound}, more than handset can leave there: ${MOST_WAITING}.\n` +
      "Start the transport, which sends them; or delete them at RabbitMQ, if nobody needs them.",
  );
}

function waitingWords(
  outbound: string,
  waited: readonly WaitingMessage[],
  { failed_status }: Pick<ChannelConfig, "failed_status">,
  decision: Decision | undefined,
): string {
  const whom = forWhom(waited.map(({ address }) => address));
  const told = `Turn is told of each what failed_status is: ${failed_status}`;
  const asked = "Nothing is taken until you say at the page, or by --waiting, what becomes of\n" +
    "them:\n" +
    "  leave  they stay there for the transport, and no phone here shows them\n" +
    `  take   nobody gets them; ${told}\n`;
  const decided = {
    take: `They are taken: nobody gets them.\n${told}.\n`,
    leave: "They stay there for the transport, and no phone here shows them.\n",
  };
  return `${messagesTo(waited.length)} in ${outbound}, perhaps for real people:\n${whom}.\n` +
    (decision === undefined ? asked : decided[decision]);
}

function messagesTo(count: number): string {
  return count === 1 ? "1 message to a user waits" : `${count} messages to users wait`;
}
