// Alert rules for Prometheus: for what somebody is woken (`page`), and what can wait for the morning
// (`ticket`). What to do then is in docs/runbook.md, in the paragraph of the alert's name. An alert
// about a channel names it in the label `connector`.

import { stringify } from "yaml";
import { MOST_LEFT } from "./descriptors.ts";

interface Alert {
  readonly severity: "page" | "ticket";
  /** How long it must be so, as Prometheus writes a time. */
  readonly for: string;
  /** When it is so, in PromQL. */
  readonly expr: string;
  /** One line for who is woken. */
  readonly summary: string;
}

export const ALERTS: Readonly<Record<string, Alert>> = {
  TurnRefusesToken: {
    severity: "page",
    for: "0s",
    expr: "sum by (job, instance, connector) " +
      '(increase(turn_channels_turn_answers_total{status=~"401|403"}[5m])) > 0',
    summary: "Turn answers 401 or 403: auth_token is wrong, or no longer valid",
  },
  TurnDown: {
    severity: "page",
    for: "2m",
    expr: 'turn_channels_turn_breaker_state{state="closed"} == 0',
    summary: "Turn can't be reached, or fails; messages wait until it is back",
  },
  TurnLimitsUs: {
    severity: "ticket",
    for: "15m",
    expr: "rate(turn_channels_rate_limit_wait_seconds_total[5m]) > 0.5",
    summary: "More {{ $labels.resource }} arrive than Turn's rate limit lets through",
  },
  NobodySpeaks: {
    severity: "page",
    for: "3m",
    expr: "sum by (job, connector) (turn_channels_speaks) == 0",
    summary: "Bridges run, but none consumes the channel's queues",
  },
  QueueStalled: {
    severity: "page",
    for: "1m",
    expr: "turn_channels_queue_stalled_seconds > 300",
    summary: "The queue {{ $labels.queue }} has messages, and none of them is finished",
  },
  QueueFaulty: {
    severity: "page",
    for: "2m",
    expr: "turn_channels_queue_faults > 0",
    summary: "The queue {{ $labels.queue }} can't be used as it must be: /health says why",
  },
  MessagesParked: {
    severity: "ticket",
    for: "0s",
    expr: 'turn_channels_queue_messages{place="parked"} > 0',
    summary:
      "{{ $value }} messages of the queue {{ $labels.queue }} are parked: somebody must look at them",
  },
  TransportSilent: {
    severity: "page",
    for: "5m",
    expr: `${counted('="sent"', "[30m]")} >= 5 and ` +
      `${counted('=~"acked|nacked|delivered|failed|throttled"', "[30m]")} == 0`,
    summary: "The transport {{ $labels.transport }} sends no acks and no reports for its messages",
  },
  SmsUnacked: {
    severity: "ticket",
    for: "0s",
    expr: `${counted('="unacked"', "[15m]")} > 0 and ` +
      `${counted('=~"acked|nacked|throttled"', "[15m]")} > 0`,
    summary: "The transport {{ $labels.transport }} says nothing of some SMS: the log names them",
  },
  DeliveryRateFell: {
    severity: "ticket",
    for: "15m",
    expr: `(${deliveryRate("[1h]")}) < 0.5 * (${deliveryRate("[1d] offset 1h")}) and ` +
      `${counted('="sent"', "[1h]")} >= 20`,
    summary: "The transport {{ $labels.transport }} delivers less than half as much as usual",
  },
  AnswersTooLate: {
    severity: "ticket",
    for: "15m",
    expr: `${late("[1h]")} >= 5 and ${late("[1h]")} > 0.1 * sum by (job, connector) ` +
      "(increase(turn_channels_ussd_screens_total[1h]))",
    summary:
      "For ten screens of USSD, more than one of Turn's messages comes too late for its session",
  },
  BrokerAway: {
    severity: "page",
    for: "1m",
    expr: "turn_channels_broker_connected == 0",
    summary: "RabbitMQ is away, or takes no messages: the bridge can't {{ $labels.direction }}",
  },
  CacheFails: {
    severity: "page",
    for: "0s",
    expr: "sum by (job, instance, connector) " +
      "(increase(turn_channels_cache_failures_total[5m])) > 0",
    summary: "The message cache can't be used; messages wait until it can",
  },
  DescriptorsShort: {
    severity: "page",
    for: "1m",
    expr: `turn_channels_descriptors_left < ${MOST_LEFT}`,
    summary: "Only {{ $value }} files or connections more can be opened by {{ $labels.instance }}",
  },
  LogStalled: {
    severity: "ticket",
    for: "1m",
    expr: "turn_channels_log_stalled_seconds > 60 " +
      "or increase(turn_channels_log_lost_lines_total[15m]) > 0",
    summary: "The log can't be written; lines wait, and some may be lost",
  },
  BridgeRestarts: {
    severity: "ticket",
    for: "0s",
    expr: "changes(process_start_time_seconds[1h]) >= 3 " +
      "and on (job, instance) turn_channels_build_info",
    summary: "The bridge was started {{ $value }} times within an hour",
  },
  BridgeAbsent: {
    severity: "page",
    for: "2m",
    expr: "absent(turn_channels_build_info)",
    summary: "No bridge answers Prometheus",
  },
};

/**
 * The alerts as a file of rules for Prometheus, in YAML.
 * @param runbook Where docs/runbook.md is, a URL or path; to it `#<alert>` is added.
 */
export function alertRules({ runbook = "docs/runbook.md" } = {}): string {
  const rules = Object.entries(ALERTS).map(([alert, { severity, summary, ...rule }]) => ({
    alert,
    expr: rule.expr,
    for: rule.for,
    labels: { severity },
    annotations: { summary, runbook_url: `${runbook}#${alert.toLowerCase()}` },
  }));
  return stringify({ groups: [{ name: "turn-channels", rules }] }, { lineWidth: 0 });
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
