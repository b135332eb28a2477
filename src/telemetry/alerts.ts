/**
 * Alert rules for Prometheus: who is to be woken when (`page`), and what can wait for the morning
 * (`ticket`). What to do then is in README.md, under "Alerts"; each rule links to its paragraph. What
 * is of a channel says of which, in the label `connector`, if there are several (merge.ts).
 *
 * @module
 */

import { stringify } from "yaml";
import { METRICS } from "./catalogue.ts";
import { duration, selectors } from "./promql.ts";

/** One alert. */
export interface Alert {
  /** Its name, and that of its paragraph in README.md. */
  readonly name: string;
  /** Whether somebody is woken. */
  readonly severity: "page" | "ticket";
  /** How long it must be so, in seconds. */
  readonly forSeconds: number;
  /** When it is so, in PromQL. */
  readonly expression: string;
  /** One line for who is woken. */
  readonly summary: string;
}

/** How alerts are made. */
export interface AlertOptions {
  /** What a time in a rule becomes, in seconds; itself, unless given. Tests have none to lose. */
  readonly scale?: (seconds: number) => number;
  /** Where README.md is, a URL or path; to it `#<alert>` is added. */
  readonly readme?: string;
}

const { series } = selectors();
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** All alerts. */
export function alerts({ scale = (seconds) => seconds }: AlertOptions = {}): readonly Alert[] {
  const time: Time = (seconds) => duration(scale(seconds));
  const all = [
    ...turnAlerts(time),
    ...queueAlerts(scale(5 * MINUTE)),
    ...transportAlerts(time),
    ...programAlerts(time),
  ];
  return all.map((alert) => ({ ...alert, forSeconds: scale(alert.forSeconds) }));
}

/** The alerts as a file of rules for Prometheus. */
export function alertRules(options: AlertOptions = {}): string {
  const { readme = "README.md" } = options;
  const rules = alerts(options).map(({ name, severity, forSeconds, expression, summary }) => ({
    alert: name,
    expr: expression,
    for: duration(forSeconds),
    labels: { severity },
    annotations: { summary, runbook_url: `${readme}#${name.toLowerCase()}` },
  }));
  return stringify({ groups: [{ name: "turn-channels", rules }] }, { lineWidth: 0 });
}

/** A time as PromQL writes it. */
type Time = (seconds: number) => string;

function turnAlerts(time: Time): Alert[] {
  const refused = series(METRICS.answers, { status: /401|403/ });
  return [
    {
      name: "TurnRefusesToken",
      severity: "page",
      forSeconds: 0,
      expression: `sum by (job, instance, connector) (increase(${refused}[${
        time(5 * MINUTE)
      }])) > 0`,
      summary: "Turn answers 401 or 403: auth_token is wrong, or no longer valid",
    },
    {
      name: "TurnDown",
      severity: "page",
      forSeconds: 2 * MINUTE,
      expression: `${series(METRICS.breaker, { state: "closed" })} == 0`,
      summary: "Turn can't be reached, or fails; messages wait for it",
    },
    {
      name: "TurnLimitsUs",
      severity: "ticket",
      forSeconds: 15 * MINUTE,
      expression: `rate(${series(METRICS.limitWait)}[${time(5 * MINUTE)}]) > 0.5`,
      summary: "More {{ $labels.resource }} come than Turn's rate limit lets through",
    },
  ];
}

function queueAlerts(longestStall: number): Alert[] {
  return [
    {
      name: "QueueStalled",
      severity: "page",
      forSeconds: MINUTE,
      expression: `${series(METRICS.queueStalled)} > ${longestStall}`,
      summary: "There are messages in the queue {{ $labels.queue }}, and none is finished",
    },
    {
      name: "QueueFaulty",
      severity: "page",
      forSeconds: 2 * MINUTE,
      expression: `${series(METRICS.queueFaults)} > 0`,
      summary: "The queue {{ $labels.queue }} can't be used as it must be: /health says why",
    },
    {
      name: "MessagesParked",
      severity: "ticket",
      forSeconds: 0,
      expression: `${series(METRICS.queueMessages, { place: "parked" })} > 0`,
      summary: "{{ $value }} of the queue {{ $labels.queue }} are parked, and wait for a person",
    },
  ];
}

/** Summed over instances: of several on one connector any may get the events. */
function transportAlerts(time: Time): Alert[] {
  const counted = (result: string | RegExp, range: string): string =>
    `sum by (job, connector, transport) (increase(${
      series(METRICS.transports, { result })
    }${range}))`;
  const half = `[${time(HOUR / 2)}]`;
  const hour = `[${time(HOUR)}]`;
  const usual = `[${time(DAY)}] offset ${time(HOUR)}`;
  const rate = (range: string): string =>
    `${counted("delivered", range)} / ${counted("sent", range)}`;
  return [
    {
      name: "TransportSilent",
      severity: "page",
      forSeconds: 5 * MINUTE,
      expression: `${counted("sent", half)} >= 5 and ` +
        `${counted(/acked|nacked|delivered|failed/, half)} == 0`,
      summary: "No acks and no reports for what was sent by the transport {{ $labels.transport }}",
    },
    {
      name: "DeliveryRateFell",
      severity: "ticket",
      forSeconds: 15 * MINUTE,
      expression: `(${rate(hour)}) < 0.5 * (${rate(usual)}) and ${counted("sent", hour)} >= 20`,
      summary: "Less than half as much as usual is delivered by {{ $labels.transport }}",
    },
  ];
}

function programAlerts(time: Time): Alert[] {
  const failures = series(METRICS.cacheFailures);
  const build = series(METRICS.build);
  const restarts = `changes(${series(METRICS.start)}[${time(HOUR)}])`;
  return [
    {
      name: "BrokerAway",
      severity: "page",
      forSeconds: MINUTE,
      expression: `${series(METRICS.brokerConnected)} == 0`,
      summary:
        "RabbitMQ is away, or takes no messages: it is not possible to {{ $labels.direction }}",
    },
    {
      name: "CacheFails",
      severity: "page",
      forSeconds: 0,
      expression: `sum by (job, instance, connector) (increase(${failures}[${
        time(5 * MINUTE)
      }])) > 0`,
      summary: "The message cache can't be used; messages wait for it",
    },
    {
      name: "BridgeRestarts",
      severity: "ticket",
      forSeconds: 0,
      expression: `${restarts} >= 3 and on (job, instance) ${build}`,
      summary: "The bridge was started {{ $value }} times within an hour",
    },
    {
      name: "BridgeAbsent",
      severity: "page",
      forSeconds: 2 * MINUTE,
      expression: `absent(${build})`,
      summary: "No bridge answers Prometheus",
    },
  ];
}
