/**
 * What the dashboard shows, in the order in which one asks. What Grafana needs around it is in
 * dashboard.ts.
 *
 * @module
 */

import { METRICS } from "./catalogue.ts";
import {
  buckets,
  type Line,
  perHour,
  perSecond,
  quantiles,
  RATE,
  series,
} from "./dashboard_lines.ts";

/** A panel, before Grafana's many words for it. */
export interface Panel {
  /** Its title. */
  readonly title: string;
  /** What it tells, and when it is bad. */
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  /** What it shows. */
  readonly lines: readonly Line[];
}

const BUILD = series(METRICS.build);

/** Each row answers a question. */
export function rows(): readonly (readonly [string, readonly Panel[]])[] {
  return [
    ["Is it well?", healthPanels()],
    ["What comes through, and how fast?", flowPanels()],
    ["How is Turn?", turnPanels()],
    ["What waits?", queuePanels()],
    ["What becomes of what was sent?", transportPanels()],
    ["What does it take?", processPanels()],
  ];
}

function healthPanels(): Panel[] {
  return [
    {
      title: "Connections",
      description: "1 is well. Turn: whether calls are made (breaker closed).",
      unit: "none",
      lines: [
        [series(METRICS.brokerConnected), "RabbitMQ {{direction}}"],
        [series(METRICS.breaker, { state: "closed" }), "Turn {{connector}}"],
        [`1 - ${series(METRICS.brokerBlocked)}`, "RabbitMQ takes messages"],
      ],
    },
    {
      title: "Failures",
      description: "Cache failures, and how often Turn was found to be down, an hour.",
      unit: "short",
      lines: [
        [perHour(series(METRICS.cacheFailures), "operation"), "cache {{operation}} {{connector}}"],
        [perHour(series(METRICS.breakerOpened)), "Turn down {{connector}}"],
      ],
    },
    {
      title: "Running",
      description: "What runs, and since when.",
      unit: "s",
      lines: [[
        `(time() - ${series(METRICS.start)}) * on (job, instance) group_right () ${BUILD}`,
        "{{instance}} {{version}} on Deno {{deno}}",
      ]],
    },
  ];
}

function flowPanels(): Panel[] {
  return [
    {
      title: "Messages and statuses",
      description: "By what became of them.",
      unit: "ops",
      lines: [[
        perSecond(series(METRICS.messages), "flow", "result"),
        "{{flow}} {{result}} {{connector}}",
      ]],
    },
    {
      title: "Setbacks",
      description: "Retried, delayed, delivered again, put back, or kept up by the cache.",
      unit: "ops",
      lines: [[
        perSecond(series(METRICS.setbacks), "flow", "result"),
        "{{flow}} {{result}} {{connector}}",
      ]],
    },
    {
      title: "From vumi to Turn",
      description: "From vumi's timestamp to Turn's 2xx: how long users and operators wait.",
      unit: "s",
      lines: quantiles(buckets(METRICS.delivery), "flow"),
    },
    {
      title: "From Turn to RabbitMQ",
      description: "From Turn's request to the broker's confirm.",
      unit: "s",
      lines: quantiles(buckets(METRICS.confirm)),
    },
    {
      title: "In flight",
      description: "What is being done just now.",
      unit: "short",
      lines: [
        [series(METRICS.requestsInFlight), "Turn's requests {{connector}}"],
        [series(METRICS.inFlight), "calls to Turn, {{resource}} {{connector}}"],
      ],
    },
  ];
}

function turnPanels(): Panel[] {
  return [
    {
      title: "Turn's answers",
      description: "By status; none is no answer.",
      unit: "ops",
      lines: [[
        perSecond(series(METRICS.answers), "resource", "status"),
        "{{resource}} {{status}} {{connector}}",
      ]],
    },
    {
      title: "Turn's answer time",
      description: "Of answers of any status.",
      unit: "s",
      lines: quantiles(buckets(METRICS.calls), "resource"),
    },
    {
      title: "Turn took a call last",
      description: "Seconds ago.",
      unit: "s",
      lines: [[`time() - (${series(METRICS.lastSuccess)} > 0)`, "{{instance}} {{connector}}"]],
    },
    {
      title: "Held back for the rate limit",
      description: "The share of the time in which calls stood ready and had to wait; 1 is always.",
      unit: "percentunit",
      lines: [[`rate(${series(METRICS.limitWait)}${RATE})`, "{{resource}} {{connector}}"]],
    },
    {
      title: "Rate limits, as Turn tells them",
      description: "Calls a window, what is left of them, and the seconds until it ends.",
      unit: "short",
      lines: [
        [series(METRICS.limit), "{{bucket}} limit {{connector}}"],
        [series(METRICS.limitLeft), "{{bucket}} left {{connector}}"],
        [`${series(METRICS.limitReset)} - time() > 0`, "{{bucket}} ends in {{connector}}"],
      ],
    },
    {
      title: "Calls waiting",
      description: "For their turn, or the rate limit.",
      unit: "short",
      lines: [[series(METRICS.waiting), "{{resource}} {{connector}}"]],
    },
  ];
}

function queuePanels(): Panel[] {
  return [
    {
      title: "Queues",
      description: "Messages that wait; those in work are not counted.",
      unit: "short",
      lines: [[
        `max by (connector, queue, place) (${series(METRICS.queueMessages)})`,
        "{{queue}} {{place}} {{connector}}",
      ]],
    },
    {
      title: "Speaks for the channel",
      description: "1 for the bridge that takes messages off the queues; each channel needs one.",
      unit: "none",
      lines: [[series(METRICS.speaks), "{{instance}} {{connector}}"]],
    },
    {
      title: "Delayed",
      description: "Messages of all channels that wait to be tried again, by how long they wait.",
      unit: "short",
      lines: [[`max by (delay) (${series(METRICS.delayed)})`, "{{delay}}"]],
    },
    {
      title: "Faulty queues",
      description: "1 if something can't be done with a queue; /health says what and why.",
      unit: "short",
      lines: [[
        `max by (connector, queue) (${series(METRICS.queueFaults)})`,
        "{{queue}} {{connector}}",
      ]],
    },
    {
      title: "Stalled",
      description: "For how long there are messages and none is finished.",
      unit: "s",
      lines: [[
        `min by (connector, queue) (${series(METRICS.queueStalled)})`,
        "{{queue}} {{connector}}",
      ]],
    },
    {
      title: "Cache",
      description: "Look-ups, and what is remembered if the cache can tell.",
      unit: "short",
      lines: [
        [
          perSecond(series(METRICS.cacheReads), "kind", "result"),
          "{{kind}} {{result}} a second {{connector}}",
        ],
        [series(METRICS.cacheEntries), "{{kind}} entries {{connector}}"],
      ],
    },
  ];
}

function transportPanels(): Panel[] {
  const counted = (result: string): string =>
    perHour(series(METRICS.transports, { result }), "transport");
  return [
    {
      title: "Sent, and heard of",
      description: "An hour, by transport; silent is nothing heard of within an hour.",
      unit: "short",
      lines: [[
        perHour(series(METRICS.transports), "transport", "result"),
        "{{transport}} {{result}} {{connector}}",
      ]],
    },
    {
      title: "Delivery rate",
      description: "Delivered, of what was sent within an hour.",
      unit: "percentunit",
      lines: [[`${counted("delivered")} / ${counted("sent")}`, "{{transport}} {{connector}}"]],
    },
  ];
}

function processPanels(): Panel[] {
  // Other programs have the metrics of this name, too.
  const ours = (selected: string): string => `${selected} and on (job, instance) ${BUILD}`;
  return [
    {
      title: "Processor",
      description: "Cores.",
      unit: "short",
      lines: [[ours(`rate(${series(METRICS.cpu)}${RATE})`), "{{instance}}"]],
    },
    {
      title: "Memory",
      description: "All of it, and JavaScript's part.",
      unit: "bytes",
      lines: [
        [ours(series(METRICS.memory)), "{{instance}} all"],
        [ours(series(METRICS.heap)), "{{instance}} heap"],
      ],
    },
    {
      title: "Event loop lag",
      description: "The longest wait of what was due, between two scrapes.",
      unit: "s",
      lines: [[series(METRICS.loopLag), "{{instance}} lag"]],
    },
    {
      title: "Open files",
      description: "Where the runtime lets them be counted.",
      unit: "short",
      lines: [[ours(series(METRICS.openFds)), "{{instance}}"]],
    },
  ];
}
