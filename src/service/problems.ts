// What is wrong with a running bridge, each in a sentence, with the command to run next.

import type { ChannelStatus, Status } from "./status.ts";

export interface Problem {
  /** Whose it is; null if it is all channels'. */
  readonly connector: string | null;
  /** A sentence without its full stop. */
  readonly text: string;
  readonly command: string;
}

/** A queue of which none was finished for so long, in milliseconds, is stalled; as the alert has it. */
const STALLED_MS = 300_000;

/** What the log has lost is told of for so long after, in milliseconds; as the alert has it. */
const LOST_MS = 900_000;

type Known = Omit<Status, "problems">;

/** Worst first: what stands in the way of all channels, then each channel's. */
export function problemsOf(status: Known): readonly Problem[] {
  return [...programProblems(status), ...status.channels.flatMap(channelProblems)];
}

function programProblems({ broker, cache, log, now }: Known): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (text: string, command: string) => problems.push({ connector: null, text, command });
  const since = time(broker.since);
  if (broker.state === "blocked") {
    add(
      `RabbitMQ has taken no messages since ${since}, for an alarm of its own (memory or disk)`,
      "turn-channels explain BrokerAway",
    );
  } else if (broker.state !== "open") {
    const why = broker.reason === undefined ? "" : `: ${broker.reason}`;
    add(`There has been no connection to RabbitMQ since ${since}${why}`, "turn-channels check");
  }
  if (cache.state === "failing") {
    add(`The cache has failed since ${time(cache.since)}; messages wait`, "turn-channels check");
  } else if (cache.state === "replaced") {
    const text =
      "The cache's file was deleted or replaced while in use: restart the bridge at a quiet time";
    add(text, "turn-channels explain");
  }
  const seconds = Math.round(log.stalledMs / 1000);
  if (log.stalledMs > 60_000) {
    add(`The log has not been written for ${seconds} s`, "turn-channels explain LogStalled");
  } else if (log.lost > 0 && Date.parse(now) - Date.parse(log.since) < LOST_MS) {
    const lines = log.lost === 1 ? "1 line" : `${log.lost} lines`;
    add(
      `The log could not be written, and has lost ${lines} since the start, the last at ${
        time(log.since)
      }`,
      "turn-channels explain LogStalled",
    );
  }
  return problems;
}

function channelProblems(channel: ChannelStatus): readonly Problem[] {
  const { connector, queues, in_hand, turn, faults } = channel;
  const problems: Problem[] = [];
  const add = (text: string, command: string) => problems.push({ connector, text, command });
  if (turn.state === "down") {
    const waiting = queues["inbound"]?.waiting;
    const count = in_hand.inbound + (waiting ?? 0);
    const messages = waiting === undefined
      ? ""
      : count === 1
      ? "; 1 message of a user waits"
      : `; ${count} messages of users wait`;
    const since = `since ${time(turn.since)}${messages}`;
    // To wait, as for a Turn that is down, would not help.
    if (turn.refuses_token) {
      add(`Turn has refused auth_token ${since}`, "turn-channels explain TurnRefusesToken");
    } else add(`Turn has been down ${since}`, "turn-channels explain TurnDown");
  }
  for (const [queue, means] of Object.entries(faults)) {
    add(`${queue}: ${means}`, "turn-channels check");
  }
  for (const [queue, { waiting, parked = 0, stalledMs }] of Object.entries(queues)) {
    if (stalledMs > STALLED_MS) {
      const minutes = Math.floor(stalledMs / 60_000);
      const text = `${waiting} messages wait in ${queue}, and none was finished for ${minutes} min`;
      add(text, "turn-channels explain QueueStalled");
    }
    if (parked > 0) {
      const text = parked === 1 ? "1 message is parked" : `${parked} messages are parked`;
      const command = `turn-channels parked list --connector ${connector} --queue ${queue}`;
      add(`${text} of ${queue}, for a person to look at`, command);
    }
  }
  return problems;
}

/** A time in UTC, as all commands write it. */
function time(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}
