// What the dashboard shows, in the order in which one asks. What is summed up is so over instances,
// but each channel stands for itself.

import { type Definition, METRICS } from "./catalogue.ts";

/** PromQL by its legend, in which `{{label}}` stands for the label's value. */
type Lines = Readonly<Record<string, string>>;

export const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** Grafana's range for a rate. */
const RATE = "[$__rate_interval]";
/** Other programs have metrics of the same names. */
export const OURS = `and on (job, instance) ${series(METRICS.build)}`;

/** The panels of each row, by the question that the row answers. */
export const ROWS: Readonly<Record<string, readonly object[]>> = {
  "Is it well?": [
    panel("Connections", "none", {
      "RabbitMQ {{direction}}": series(METRICS.brokerConnected),
      "Turn {{connector}}": series(METRICS.breaker, { state: "closed" }),
      "RabbitMQ takes messages": `1 - ${series(METRICS.brokerBlocked)}`,
    }, "1 is good. Turn: 1 while calls are made (circuit breaker closed)."),
    panel("Failures", "short", {
      "cache {{operation}} {{connector}}": perHour(METRICS.cacheFailures),
      "Turn down {{connector}}": perHour(METRICS.breakerOpened),
    }, "Cache failures, and how often Turn was found to be down, an hour."),
    panel("Running", "s", {
      "{{instance}} {{version}} on Deno {{deno}}": `(time() - ${series(METRICS.start)}) ` +
        `* on (job, instance) group_right () ${series(METRICS.build)}`,
    }, "What runs, and since when."),
  ],
  "What comes through, and how fast?": [
    panel("Messages and statuses", "ops", {
      "{{flow}} {{result}} {{connector}}": perSecond(METRICS.messages),
    }, "By what became of them."),
    panel("Setbacks", "ops", {
      "{{flow}} {{result}} {{connector}}": perSecond(METRICS.setbacks),
    }, "Retried, delayed, delivered again, put back, or held up by the cache."),
    panel(
      "From vumi to Turn",
      "s",
      quantiles(METRICS.delivery, "flow"),
      "From vumi's timestamp to Turn's 2xx: how long users and operators wait.",
    ),
    panel(
      "From Turn to RabbitMQ",
      "s",
      quantiles(METRICS.confirm),
      "From Turn's request to the broker's confirm.",
    ),
    panel("In flight", "short", {
      "Turn's requests {{connector}}": series(METRICS.requestsInFlight),
      "calls to Turn, {{resource}} {{connector}}": series(METRICS.inFlight),
    }, "What is being done just now."),
  ],
  "How is Turn?": [
    panel("Turn's answers", "ops", {
      "{{resource}} {{status}} {{connector}}": perSecond(METRICS.answers),
    }, "By status; none is no answer."),
    panel(
      "Turn's answer time",
      "s",
      quantiles(METRICS.calls, "resource"),
      "Of answers of any status.",
    ),
    panel("Turn took a call last", "s", {
      "{{instance}} {{connector}}": `time() - (${series(METRICS.lastSuccess)} > 0)`,
    }, "Seconds ago."),
    panel("Held back for the rate limit", "percentunit", {
      "{{resource}} {{connector}}": `rate(${series(METRICS.limitWait)}${RATE})`,
    }, "The share of the time in which calls stood ready and had to wait; 1 is always."),
    panel("Rate limits, as Turn tells them", "short", {
      "{{bucket}} limit {{connector}}": series(METRICS.limit),
      "{{bucket}} left {{connector}}": series(METRICS.limitLeft),
      "{{bucket}} ends in {{connector}}": `${series(METRICS.limitReset)} - time() > 0`,
    }, "Calls a window, what is left of them, and the seconds until it ends."),
    panel("Calls waiting", "short", {
      "{{resource}} {{connector}}": series(METRICS.waiting),
    }, "For their turn, or the rate limit."),
  ],
  "What waits?": [
    panel("Queues", "short", {
      "{{queue}} {{place}} {{connector}}": `max by (connector, queue, place) (${
        series(METRICS.queueMessages)
      })`,
    }, "Messages that wait; those in work are not counted."),
    panel("Speaks for the channel", "none", {
      "{{instance}} {{connector}}": series(METRICS.speaks),
    }, "1 for the bridge that takes messages off the queues; each channel needs one."),
    panel("Delayed", "short", {
      "{{delay}}": `max by (delay) (${series(METRICS.delayed)})`,
    }, "Messages of all channels that wait to be tried again, by how long they wait."),
    panel("Faulty queues", "short", {
      "{{queue}} {{connector}}": `max by (connector, queue) (${series(METRICS.queueFaults)})`,
    }, "1 if something can't be done with a queue; /health says what and why."),
    panel("Stalled", "s", {
      "{{queue}} {{connector}}": `min by (connector, queue) (${series(METRICS.queueStalled)})`,
    }, "For how long there are messages and none is finished."),
    panel("Cache", "short", {
      "{{kind}} {{result}} a second {{connector}}": perSecond(METRICS.cacheReads),
      "{{kind}} entries {{connector}}": series(METRICS.cacheEntries),
    }, "Look-ups, and what is remembered if the cache can tell."),
  ],
  "What becomes of what was sent?": [
    panel(
      "Sent, and heard of",
      "short",
      {
        "{{transport}} {{result}} {{connector}}": perHour(METRICS.transports),
      },
      "An hour, by transport; unknown is what an operator does not know, silent is nothing heard of within an hour.",
    ),
    panel("Rate of slowed transports", "short", {
      "{{transport}} {{connector}}": series(METRICS.smsRate),
    }, "SMS a second that a transport was found to take, as it throttles; 0: all that comes."),
    panel("Delivery rate", "percentunit", {
      "{{transport}} {{connector}}": `${perHour(METRICS.transports, { result: "delivered" })} / ` +
        perHour(METRICS.transports, { result: "sent" }),
    }, "Delivered, of what was sent within an hour."),
  ],
  "What do phones show?": [
    panel("Shown", "short", {
      "{{type}} {{medium}} {{connector}}": perHour(METRICS.shown),
      "pages read on {{connector}}": perHour(METRICS.pages),
    }, "Messages to phones an hour, by Turn's type, and pages that users asked for."),
    panel("Choices", "short", {
      "by {{by}} {{connector}}": perHour(METRICS.choices),
      "refused {{connector}}": perHour(METRICS.choicesRefused),
    }, "Answers that picked an option, an hour; refused ones were told to Turn as texts."),
    panel("SMS", "short", {
      "segments {{connector}}": perHour(METRICS.smsSegments),
    }, "An hour, as operators bill them."),
    panel("Characters that GSM-7 lacks", "short", {
      "replaced {{connector}}": perHour(METRICS.substitutions),
      "messages refused {{connector}}": perHour(METRICS.notEncodable),
    }, "An hour; see text_encoding."),
  ],
  "How do USSD sessions go?": [
    panel("Screens", "short", {
      "of {{messages}} {{connector}}": perHour(METRICS.screens),
    }, "Answers on USSD an hour, by how many of Turn's messages each carried."),
    panel(
      "From a user's message to the screen",
      "s",
      quantiles(METRICS.screenDelay),
      "How long users wait; it should stay below ussd.answer_deadline.",
    ),
    panel("No answer in time", "short", {
      "{{text}} screens {{connector}}": perHour(METRICS.holds),
      "sessions without an answer {{connector}}": perHour(METRICS.unanswered),
    }, "An hour: hold_text and sorry_text, and sessions that ended while a user waited."),
    panel("Too late for their sessions", "short", {
      "{{result}} {{connector}}": perHour(METRICS.late),
    }, "Messages an hour, by what became of them; shown are those that a notice has announced."),
    panel("Dialled again", "short", {
      "{{how}} {{connector}}": perHour(METRICS.resumes),
    }, "An hour: users who were asked whether to go on, and what they chose."),
  ],
  "What does it take?": [
    panel("Processor", "short", {
      "{{instance}}": `rate(${series(METRICS.cpu)}${RATE}) ${OURS}`,
    }, "Cores."),
    panel("Memory", "bytes", {
      "{{instance}} all": `${series(METRICS.memory)} ${OURS}`,
      "{{instance}} heap": `${series(METRICS.heap)} ${OURS}`,
    }, "All of it, and JavaScript's part."),
    panel("Event loop lag", "s", {
      "{{instance}} lag": series(METRICS.loopLag),
    }, "How late timers came at most, between two scrapes."),
    panel("Open files and connections", "short", {
      "{{instance}} open": `${series(METRICS.openFds)} ${OURS}`,
      "{{instance}} left": series(METRICS.leftFds),
    }, "Open ones, where the runtime lets them be counted; what is left, which should stay at 64."),
    panel("Log", "short", {
      "{{instance}} lines lost an hour": `increase(${series(METRICS.logLost)}[1h])`,
      "{{instance}} seconds stalled": series(METRICS.logStalled),
    }, "0 is good: lines that were lost, and for how long none could be written."),
  ],
};

/**
 * A panel as Grafana has it, but for its place.
 * @param unit Grafana's name of the unit.
 * @param description What it tells, and when it is bad.
 */
function panel(title: string, unit: string, lines: Lines, description: string): object {
  return {
    ...{ type: "timeseries", title, description, datasource: DATA_SOURCE },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: Object.entries(lines).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATA_SOURCE,
      expr,
      legendFormat,
    })),
  };
}

type Match<L extends string> = { readonly [label in L]?: string };

/** A metric's series, of the instances and channels that are chosen in Grafana. */
export function series<L extends string>(
  { name, labels }: Pick<Definition<Definition["type"], L>, "name" | "labels">,
  match: Match<L> = {},
): string {
  const chosen = ["instance", ...labels.filter((label) => label === "connector")];
  const selectors = [
    ...Object.entries(match).map(([label, value]) => `${label}="${value}"`),
    ...chosen.map((label) => `${label}=~"$${label}"`),
  ];
  return `${name}{${selectors.join(",")}}`;
}

/** A channel's counter by all its labels that are not fixed, a second. */
function perSecond<L extends string>(metric: Definition<"counter", L>): string {
  return sumBy(metric.labels, `rate(${series(metric)}${RATE})`);
}

/** A channel's counter by all its labels that are not fixed, an hour. */
function perHour<L extends string>(metric: Definition<"counter", L>, match: Match<L> = {}): string {
  const free = metric.labels.filter((label) => !(label in match));
  return sumBy(free, `increase(${series(metric, match)}[1h])`);
}

export function sumBy(labels: readonly string[], counted: string): string {
  return `sum by (${[...new Set(["connector", ...labels])].join(", ")}) (${counted})`;
}

/** The quantiles of a histogram: half, nearly all, and all but one in a hundred. */
function quantiles({ name, labels }: Definition, ...by: readonly string[]): Lines {
  const counted = `rate(${series({ name: `${name}_bucket`, labels })}${RATE})`;
  return Object.fromEntries(
    [0.5, 0.95, 0.99].map((quantile) => [
      `${by.map((label) => `{{${label}}} `).join("")}p${quantile * 100} {{connector}}`,
      `histogram_quantile(${quantile}, ${sumBy(["le", ...by], counted)})`,
    ]),
  );
}
