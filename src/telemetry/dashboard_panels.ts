// What the dashboard shows, in the order in which one asks. What is summed up is so over instances,
// but each channel stands for itself.

import { type Definition, METRICS } from "./catalogue.ts";

/** A panel, before Grafana's many words for it. */
export interface Panel {
  readonly title: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  /** What it tells, and when it is bad. */
  readonly description: string;
  /** PromQL by its legend, in which `{{label}}` stands for the label's value. */
  readonly lines: Readonly<Record<string, string>>;
}

/** Grafana's range for a rate. */
const RATE = "[$__rate_interval]";
/** Other programs have metrics of the same names. */
const OURS = `and on (job, instance) ${series(METRICS.build)}`;

/** The panels of each row, by the question that the row answers. */
export const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  "Is it well?": [
    panel(
      "Connections",
      "none",
      "1 is good. Turn: 1 while calls are made (circuit breaker closed).",
      {
        "RabbitMQ {{direction}}": series(METRICS.brokerConnected),
        "Turn {{connector}}": series(METRICS.breaker, { state: "closed" }),
        "RabbitMQ takes messages": `1 - ${series(METRICS.brokerBlocked)}`,
      },
    ),
    panel(
      "Failures",
      "short",
      "Cache failures, and how often Turn was found to be down, an hour.",
      {
        "cache {{operation}} {{connector}}": perHour(METRICS.cacheFailures),
        "Turn down {{connector}}": perHour(METRICS.breakerOpened),
      },
    ),
    panel("Running", "s", "What runs, and since when.", {
      "{{instance}} {{version}} on Deno {{deno}}": `(time() - ${series(METRICS.start)}) ` +
        `* on (job, instance) group_right () ${series(METRICS.build)}`,
    }),
  ],
  "What comes through, and how fast?": [
    panel("Messages and statuses", "ops", "By what became of them.", {
      "{{flow}} {{result}} {{connector}}": perSecond(METRICS.messages),
    }),
    panel(
      "Setbacks",
      "ops",
      "Retried, delayed, delivered again, put back, or held up by the cache.",
      {
        "{{flow}} {{result}} {{connector}}": perSecond(METRICS.setbacks),
      },
    ),
    panel(
      "From vumi to Turn",
      "s",
      "From vumi's timestamp to Turn's 2xx: how long users and operators wait.",
      quantiles(METRICS.delivery, "flow"),
    ),
    panel(
      "From Turn to RabbitMQ",
      "s",
      "From Turn's request to the broker's confirm.",
      quantiles(METRICS.confirm),
    ),
    panel("In flight", "short", "What is being done just now.", {
      "Turn's requests {{connector}}": series(METRICS.requestsInFlight),
      "calls to Turn, {{resource}} {{connector}}": series(METRICS.inFlight),
    }),
  ],
  "How is Turn?": [
    panel("Turn's answers", "ops", "By status; none is no answer.", {
      "{{resource}} {{status}} {{connector}}": perSecond(METRICS.answers),
    }),
    panel(
      "Turn's answer time",
      "s",
      "Of answers of any status.",
      quantiles(METRICS.calls, "resource"),
    ),
    panel("Turn took a call last", "s", "Seconds ago.", {
      "{{instance}} {{connector}}": `time() - (${series(METRICS.lastSuccess)} > 0)`,
    }),
    panel(
      "Held back for the rate limit",
      "percentunit",
      "The share of the time in which calls stood ready and had to wait; 1 is always.",
      { "{{resource}} {{connector}}": `rate(${series(METRICS.limitWait)}${RATE})` },
    ),
    panel(
      "Rate limits, as Turn tells them",
      "short",
      "Calls a window, what is left of them, and the seconds until it ends.",
      {
        "{{bucket}} limit {{connector}}": series(METRICS.limit),
        "{{bucket}} left {{connector}}": series(METRICS.limitLeft),
        "{{bucket}} ends in {{connector}}": `${series(METRICS.limitReset)} - time() > 0`,
      },
    ),
    panel("Calls waiting", "short", "For their turn, or the rate limit.", {
      "{{resource}} {{connector}}": series(METRICS.waiting),
    }),
  ],
  "What waits?": [
    panel("Queues", "short", "Messages that wait; those in work are not counted.", {
      "{{queue}} {{place}} {{connector}}": `max by (connector, queue, place) (${
        series(METRICS.queueMessages)
      })`,
    }),
    panel(
      "Speaks for the channel",
      "none",
      "1 for the bridge that takes messages off the queues; each channel needs one.",
      { "{{instance}} {{connector}}": series(METRICS.speaks) },
    ),
    panel(
      "Delayed",
      "short",
      "Messages of all channels that wait to be tried again, by how long they wait.",
      { "{{delay}}": `max by (delay) (${series(METRICS.delayed)})` },
    ),
    panel(
      "Faulty queues",
      "short",
      "1 if something can't be done with a queue; /health says what and why.",
      { "{{queue}} {{connector}}": `max by (connector, queue) (${series(METRICS.queueFaults)})` },
    ),
    panel("Stalled", "s", "For how long there are messages and none is finished.", {
      "{{queue}} {{connector}}": `min by (connector, queue) (${series(METRICS.queueStalled)})`,
    }),
    panel("Cache", "short", "Look-ups, and what is remembered if the cache can tell.", {
      "{{kind}} {{result}} a second {{connector}}": perSecond(METRICS.cacheReads),
      "{{kind}} entries {{connector}}": series(METRICS.cacheEntries),
    }),
  ],
  "What becomes of what was sent?": [
    panel(
      "Sent, and heard of",
      "short",
      "An hour, by transport; silent is nothing heard of within an hour.",
      {
        "{{transport}} {{result}} {{connector}}": perHour(METRICS.transports),
      },
    ),
    panel("Delivery rate", "percentunit", "Delivered, of what was sent within an hour.", {
      "{{transport}} {{connector}}": `${perHour(METRICS.transports, { result: "delivered" })} / ` +
        perHour(METRICS.transports, { result: "sent" }),
    }),
  ],
  "What does it take?": [
    panel("Processor", "short", "Cores.", {
      "{{instance}}": `rate(${series(METRICS.cpu)}${RATE}) ${OURS}`,
    }),
    panel("Memory", "bytes", "All of it, and JavaScript's part.", {
      "{{instance}} all": `${series(METRICS.memory)} ${OURS}`,
      "{{instance}} heap": `${series(METRICS.heap)} ${OURS}`,
    }),
    panel("Event loop lag", "s", "How late timers came at most, between two scrapes.", {
      "{{instance}} lag": series(METRICS.loopLag),
    }),
    panel("Open files", "short", "Where the runtime lets them be counted.", {
      "{{instance}}": `${series(METRICS.openFds)} ${OURS}`,
    }),
  ],
};

function panel(title: string, unit: string, description: string, lines: Panel["lines"]): Panel {
  return { title, unit, description, lines };
}

type Match<L extends string> = { readonly [label in L]?: string };

/** A metric's series, of the instances and channels that are chosen in Grafana. */
function series<L extends string>(
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

function sumBy(labels: readonly string[], counted: string): string {
  return `sum by (${[...new Set(["connector", ...labels])].join(", ")}) (${counted})`;
}

/** The quantiles of a histogram: half, nearly all, and all but one in a hundred. */
function quantiles({ name, labels }: Definition, ...by: readonly string[]): Panel["lines"] {
  const counted = `rate(${series({ name: `${name}_bucket`, labels })}${RATE})`;
  return Object.fromEntries(
    [0.5, 0.95, 0.99].map((quantile) => [
      `${by.map((label) => `{{${label}}} `).join("")}p${quantile * 100} {{connector}}`,
      `histogram_quantile(${quantile}, ${sumBy(["le", ...by], counted)})`,
    ]),
  );
}
