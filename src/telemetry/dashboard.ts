// A dashboard for Grafana: how the bridge, Turn, the queues and the transports are, on one page, in
// the order in which one asks. Data source, instances and channels are chosen in Grafana.

import { type Definition, METRICS } from "./catalogue.ts";
import { ALERTS } from "./alerts.ts";
import { FIGURES } from "./dashboard_figures.ts";
import { DATA_SOURCE, OURS, ROWS, series } from "./dashboard_panels.ts";

/** Grafana's grid, in which three panels stand side by side. */
const WIDTH = 24;
const PER_ROW = 3;
const PANEL = { w: WIDTH / PER_ROW, h: 8 } as const;

const FIGURE_HEIGHT = 4;

/** The dashboard as Grafana imports it, in JSON. */
export function dashboard(): string {
  const panels: unknown[] = [];
  let x = 0;
  for (const figure of FIGURES) {
    const w = Math.ceil((WIDTH - x) / (FIGURES.length - panels.length));
    panels.push({ id: panels.length + 1, ...figure, gridPos: { h: FIGURE_HEIGHT, w, x, y: 0 } });
    x += w;
  }
  let y = FIGURE_HEIGHT;
  for (const [title, row] of Object.entries(ROWS)) {
    panels.push({
      ...{ id: panels.length + 1, type: "row", title, collapsed: false, panels: [] },
      gridPos: { h: 1, w: WIDTH, x: 0, y: y++ },
    });
    for (const [index, panel] of row.entries()) {
      const x = (index % PER_ROW) * PANEL.w;
      const down = Math.floor(index / PER_ROW) * PANEL.h;
      panels.push({ id: panels.length + 1, ...panel, gridPos: { ...PANEL, x, y: y + down } });
    }
    y += Math.ceil(row.length / PER_ROW) * PANEL.h;
  }
  return `${JSON.stringify({ ...FRAME, panels }, undefined, 2)}\n`;
}

const FRAME = {
  title: "turn-channels",
  uid: "turn-channels",
  tags: ["turn-channels"],
  schemaVersion: 39,
  timezone: "browser",
  refresh: "30s",
  time: { from: "now-6h", to: "now" },
  annotations: {
    list: [
      mark(
        "Restarts",
        "blue",
        "{{instance}} was started",
        `changes(${series(METRICS.start)}[2m]) > 0 ${OURS}`,
      ),
      mark(
        "Alerts",
        "red",
        "{{alertname}} {{connector}}",
        `ALERTS{alertstate="firing",alertname=~"${Object.keys(ALERTS).join("|")}"}`,
      ),
    ],
  },
  templating: {
    list: [
      { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
      choice("instance", "Instance", METRICS.build),
      choice("connector", "Channel", METRICS.breaker),
    ],
  },
} as const;

/** What is marked on all panels when it happens. */
function mark(name: string, iconColor: string, titleFormat: string, expr: string): object {
  return { name, iconColor, titleFormat, expr, enable: true, datasource: DATA_SOURCE };
}

/** A choice among a label's values. */
function choice(name: string, label: string, metric: Definition): object {
  return {
    ...{ name, label, type: "query", datasource: DATA_SOURCE },
    query: `label_values(${metric.name}, ${name})`,
    ...{ refresh: 2, multi: true, includeAll: true },
    current: { text: "All", value: "$__all" },
  };
}
