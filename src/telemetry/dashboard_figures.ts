// The five figures that the dashboard begins with: what one sees from across the room.

import { METRICS } from "./catalogue.ts";
import { DATA_SOURCE, series, sumBy } from "./dashboard_panels.ts";

/** What they look at: so long that a quiet minute is no zero. */
const LATELY = "[5m]";

export const FIGURES: readonly object[] = [
  figure(
    "Turn works",
    `min by (connector) (${series(METRICS.breaker, { state: "closed" })})`,
    "1 while calls are made, 0 while Turn is down.",
    [["red", null], ["green", 1]],
  ),
  figure(
    "Users to Turn, a minute",
    perMinute({ flow: "inbound", result: "delivered" }),
    "Messages of users that Turn has taken.",
  ),
  figure(
    "Turn to users, a minute",
    perMinute({ flow: "outbound", result: "accepted" }),
    "Messages of Turn's that RabbitMQ has confirmed.",
  ),
  figure("Waiting", queued("waiting"), "Messages in the queues.", [["green", null], [
    "orange",
    100,
  ]]),
  figure("Parked", queued("parked"), "For a person to look at.", [["green", null], ["orange", 1]]),
];

function perMinute(match: { readonly flow: string; readonly result: string }): string {
  return `60 * ${sumBy([], `rate(${series(METRICS.messages, match)}${LATELY})`)}`;
}

/** Each bridge sees the same queues. */
function queued(place: string): string {
  const { queueMessages } = METRICS;
  return sumBy([], `max by (connector, queue) (${series(queueMessages, { place })})`);
}

type Step = readonly [color: string, value: number | null];

function figure(
  title: string,
  expr: string,
  description: string,
  steps: readonly Step[] = [["blue", null]],
): object {
  return {
    ...{ type: "stat", title, description, datasource: DATA_SOURCE },
    fieldConfig: {
      defaults: {
        ...{ min: 0, decimals: 0 },
        thresholds: { mode: "absolute", steps: steps.map(([color, value]) => ({ color, value })) },
      },
      overrides: [],
    },
    options: {
      reduceOptions: { calcs: ["lastNotNull"] },
      colorMode: "background",
      textMode: "value_and_name",
    },
    targets: [{ refId: "A", datasource: DATA_SOURCE, expr, legendFormat: "{{connector}}" }],
  };
}
