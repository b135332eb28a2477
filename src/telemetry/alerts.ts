// Alert rules for Prometheus: for what somebody is woken (`page`), and what can wait for the morning
// (`ticket`). What to do then is in docs/runbook.md, in the paragraph of the alert's name, and in short
// in its description. An alert about a channel names it in the label `connector`, and first of all.

import { stringify } from "yaml";
import { METRICS } from "./catalogue.ts";
import { MOST_LEFT } from "./descriptors.ts";

/** An alert; its texts may hold templates of Prometheus. */
export interface Alert {
  /** Whether somebody is woken. */
  readonly severity: "page" | "ticket";
  /** How long it must be so, as Prometheus writes a time. */
  readonly for: string;
  /** When it is so, in PromQL. */
  readonly expr: string;
  /** Whether it is about a channel, and not about the program. */
  readonly isOfChannel: boolean;
  /** One line for who is woken, without the channel's name. */
  readonly summary: string;
  /** How much of it there is, and what to do, in short. */
  readonly description: string;
  /** The command that shows more of it; by default `turn-channels status`. */
  readonly look?: string;
}

// Templates of Prometheus.
const CONNECTOR = "{{ $labels.connector }}";
/** The value, which is a whole number as far as people care. */
const COUNT = '{{ printf "%.0f" $value }}';
/** How many messages wait in a queue of the channel; nothing if that is not known. */
const waitIn = (queue: string, what: string): string =>
  `{{ range query (printf "max(${METRICS.queueMessages.name}` +
  `{connector=%q,queue='${queue}',place='waiting'})" $labels.connector) }}` +
  `{{ printf "%.0f" .Value }} ${what}. {{ end }}`;
const WAITING = waitIn("inbound", "messages of users wait in the queue, beside those in hand");

/** By name. */
export const ALERTS: Readonly<Record<string, Alert>> = {
  TurnRefusesToken: {
    isOfChannel: true,
    severity: "page",
    for: "0s",
    expr: "sum by (job, instance, connector) " +
      '(increase(turn_channels_turn_answers_total{status=~"401|403"}[5m])) > 0',
    summary: "Turn answers 401 or 403: auth_token is wrong, or no longer valid",
    description:
      `Turn has refused ${COUNT} calls in five minutes. ${WAITING}Nothing is lost: they stay there. ` +
      "Make a new token in Turn, put it where auth_token is, and reload or restart.",
    look: "turn-channels check",
  },
  TurnDown: {
    isOfChannel: true,
    severity: "page",
    for: "2m",
    expr: 'turn_channels_turn_breaker_state{state="closed"} == 0',
    summary: "Turn can't be reached, or fails; messages wait until it is back",
    description:
      `${WAITING}Nothing is lost: they stay there, and one call every ten seconds looks whether it is over. ` +
      "If it is Turn, wait; if it is a proxy, a firewall or turn_api_url, mend that.",
  },
  TurnSilent: {
    isOfChannel: true,
    severity: "page",
    for: "5m",
    // By what was usual at this hour the day before, for so many messages of users five should have come.
    expr: `${flowed("inbound", "[30m]")} >= 5 and ${flowed("inbound", "[30m]")} * ` +
      `${flowed("outbound", "[30m] offset 1d")} / (${
        flowed("inbound", "[30m] offset 1d")
      } > 0) >= 5 ` +
      `and ${flowed("outbound", "[30m]")} == 0`,
    summary: "Users' messages go to Turn, and Turn has sent nothing for half an hour",
    description:
      `Turn took ${COUNT} messages of users in that time. It may have switched the webhook off, ` +
      "as when that has failed for a while. Look at the channel's endpoint in Turn, whether it can be " +
      "reached from outside, and whether the flow is on.",
  },
  TurnLimitsUs: {
    isOfChannel: true,
    severity: "ticket",
    for: "15m",
    expr: "rate(turn_channels_rate_limit_wait_seconds_total[5m]) > 0.5",
    summary: "More {{ $labels.resource }} arrive than Turn's rate limit lets through",
    description:
      "Calls that were ready were held back {{ $value | humanizePercentage }} of the time. " +
      "Statuses of a campaign pass with time; if it is so every day, ask Turn for a higher limit.",
  },
  NobodySpeaks: {
    isOfChannel: true,
    severity: "page",
    for: "3m",
    expr: "sum by (job, connector) (turn_channels_speaks) == 0",
    summary: "Bridges run, but none consumes the channel's queues",
    description: `${WAITING}If BrokerAway fires too, begin with that.`,
    look: "turn-channels check",
  },
  QueueStalled: {
    isOfChannel: true,
    severity: "page",
    for: "1m",
    expr: "turn_channels_queue_stalled_seconds > 300",
    summary: "The queue {{ $labels.queue }} has messages, and none of them is finished",
    description:
      "None was finished for {{ $value | humanizeDuration }}. If TurnDown or BrokerAway fire too, begin with " +
      "those; if it is outbound, look at vumi's transport.",
  },
  QueueFaulty: {
    isOfChannel: true,
    severity: "page",
    for: "2m",
    expr: "turn_channels_queue_faults > 0",
    summary: "The queue {{ $labels.queue }} can't be used as it must be: /health says why",
    description:
      "All other queues work, and nothing is lost: what can't be put into it waits. It is tried again all the " +
      "time, so mend what check names.",
    look: "turn-channels check",
  },
  MessagesParked: {
    isOfChannel: true,
    severity: "ticket",
    for: "0s",
    expr: 'turn_channels_queue_messages{place="parked"} > 0',
    summary:
      "{{ $value }} messages of the queue {{ $labels.queue }} are parked: somebody must look at them",
    description:
      "Turn refused them, they ran out of retries, or nobody can read them. Look why, fix that, and put them " +
      "back with turn-channels parked replay.",
    look:
      "turn-channels parked list --connector {{ $labels.connector }} --queue {{ $labels.queue }}",
  },
  TransportSilent: {
    isOfChannel: true,
    severity: "page",
    for: "5m",
    expr: `${counted('="sent"', "[30m]")} >= 5 and ` +
      `${counted('=~"acked|nacked|delivered|failed|throttled"', "[30m]")} == 0`,
    summary: "The transport {{ $labels.transport }} sends no acks and no reports for its messages",
    description:
      `It sent ${COUNT} messages in half an hour, and nothing was heard of any. Look whether it runs and is ` +
      "bound to the operator. If TurnDown fires, this follows from it.",
  },
  SmsUnacked: {
    isOfChannel: true,
    severity: "ticket",
    for: "0s",
    expr: `${counted('="unacked"', "[15m]")} > 0 and ` +
      `${counted('=~"acked|nacked|throttled"', "[15m]")} > 0`,
    summary: "The transport {{ $labels.transport }} says nothing of some SMS: the log names them",
    description:
      `Of ${COUNT} SMS in a quarter of an hour nothing was heard, and of others it was. Look in the log for ` +
      '"Nothing heard of"; check text_encoding and sms.long.',
  },
  DeliveryRateFell: {
    isOfChannel: true,
    severity: "ticket",
    for: "15m",
    expr: `(${deliveryRate("[1h]")}) < 0.5 * (${deliveryRate("[1d] offset 1h")}) and ` +
      `${counted('="sent"', "[1h]")} >= 20`,
    summary: "The transport {{ $labels.transport }} delivers less than half as much as usual",
    description:
      "{{ $value | humanizePercentage }} of what was sent in the last hour was delivered. Ask the operator.",
  },
  AnswersTooLate: {
    isOfChannel: true,
    severity: "ticket",
    for: "15m",
    expr: `${late("[1h]")} >= 5 and ${late("[1h]")} > 0.1 * sum by (job, connector) ` +
      "(increase(turn_channels_ussd_screens_total[1h]))",
    summary:
      "For ten screens of USSD, more than one of Turn's messages comes too late for its session",
    description:
      `${COUNT} messages in an hour came too late. Look whether Turn, or what the flow asks, is slow.`,
  },
  BrokerAway: {
    isOfChannel: false,
    severity: "page",
    for: "1m",
    expr: "turn_channels_broker_connected == 0",
    summary: "RabbitMQ is away, or takes no messages: the bridge can't {{ $labels.direction }}",
    description:
      "Users' messages wait in RabbitMQ, and Turn's are answered with 503, so that it sends them again. " +
      "Mend RabbitMQ: does it run, has it an alarm (rabbitmqctl alarms), are user and password right?",
    look: "turn-channels check",
  },
  CacheFails: {
    isOfChannel: true,
    severity: "page",
    for: "0s",
    expr: "sum by (job, instance, connector) " +
      "(increase(turn_channels_cache_failures_total[5m])) > 0",
    summary: "The message cache can't be used; messages wait until it can",
    description:
      `It has failed ${COUNT} times in five minutes; nothing is lost. The log has the reason at "The cache ` +
      `fails": a full disk, the rights of its file, a Redis that is away.`,
    look: "turn-channels check",
  },
  DescriptorsShort: {
    isOfChannel: false,
    severity: "page",
    for: "1m",
    expr: `turn_channels_descriptors_left < ${MOST_LEFT}`,
    summary: "Only {{ $value }} files or connections more can be opened by {{ $labels.instance }}",
    description:
      "Look who is connected. Raise LimitNOFILE and restart; against clients put a reverse proxy in front.",
    look: "ss -tnp | grep turn-channels",
  },
  LogStalled: {
    isOfChannel: false,
    severity: "ticket",
    for: "1m",
    expr: "turn_channels_log_stalled_seconds > 60 " +
      "or increase(turn_channels_log_lost_lines_total[15m]) > 0",
    summary: "The log can't be written; lines wait, and some may be lost",
    description:
      `Seconds, or lines that were lost: ${COUNT}. The bridge works on. Look whether the log's disk is full, ` +
      "and whether journald runs. If its reader is gone, restart the bridge.",
    look: "df -h",
  },
  BridgeRestarts: {
    isOfChannel: false,
    severity: "ticket",
    for: "0s",
    expr: "changes(process_start_time_seconds[1h]) >= 3 " +
      "and on (job, instance) turn_channels_build_info",
    summary: "The bridge was started {{ $value }} times within an hour",
    description:
      `Nothing is lost. Report a bug with the last line of level fatal, if nobody did it.`,
    look: "journalctl -u turn-channels -n 50",
  },
  BridgeAbsent: {
    isOfChannel: false,
    severity: "page",
    for: "2m",
    expr: "absent(turn_channels_build_info)",
    summary: "No bridge answers Prometheus",
    description:
      "Messages wait in RabbitMQ and at Turn. Look whether it runs, and whether Prometheus asks admin_bind.",
    look: "systemctl status turn-channels",
  },
};

/**
 * The alerts as a file of rules for Prometheus, in YAML.
 * @param runbook Where docs/runbook.md is, a URL; to it `#<alert>` is added. Without it there is no link.
 */
export function alertRules({ runbook }: { readonly runbook?: string | undefined } = {}): string {
  const rules = Object.entries(ALERTS).map(([name, alert]) => ({
    alert: name,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: {
      summary: alert.isOfChannel ? `${CONNECTOR}: ${alert.summary}` : alert.summary,
      description: `${alert.isOfChannel ? `Channel ${CONNECTOR}: ` : ""}${alert.description}\n${
        commandsFor(name, CONNECTOR).join("\n")
      }`,
      ...runbook !== undefined && { runbook_url: `${runbook}#${name.toLowerCase()}` },
    },
  }));
  return stringify({ groups: [{ name: "turn-channels", rules }] }, { lineWidth: 0 });
}

/** The two commands to run at an alert, of a connector if it is known: what is the matter; what to do. */
export function commandsFor(name: string, connector?: string): readonly string[] {
  const { isOfChannel = false, look } = ALERTS[name] ?? {};
  const status = isOfChannel && connector !== undefined
    ? `turn-channels status --connector ${connector}`
    : "turn-channels status";
  return [look ?? status, `turn-channels explain ${name}`];
}

/** What Turn has asked for, whatever became of it, or the messages of users that it has taken. */
function flowed(flow: "outbound" | "inbound", range: string): string {
  const results = flow === "inbound" ? 'result="delivered",' : "";
  return "sum by (job, connector) " +
    `(increase(turn_channels_messages_total{${results}flow="${flow}"}${range}))`;
}

/** Messages by transport and result, over all instances: any may get the events. */
function counted(results: string, range: string): string {
  return "sum by (job, connector, transport) " +
    `(increase(turn_channels_transport_messages_total{result${results}}${range}))`;
}

/** Messages too late for their sessions; those shown at last were counted when they were late. */
function late(range: string): string {
  return "sum by (job, connector) " +
    `(increase(turn_channels_ussd_late_total{result!="shown"}${range}))`;
}

function deliveryRate(range: string): string {
  return `${counted('="delivered"', range)} / ${counted('="sent"', range)}`;
}
