/**
 * Alerts and dashboard: what they name exists, Prometheus can read them, and they say when to wake
 * somebody on the scale of real time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ALERTS } from "../../src/telemetry/alerts.ts";
import { METRICS } from "../../src/telemetry/catalogue.ts";
import { alertRules, dashboard, MetricsRegistry } from "../../src/telemetry/mod.ts";
import { missingCommand } from "../support/debian.ts";
import { Program } from "../support/program.ts";
import { PACKAGE } from "../support/prometheus.ts";
import { promtool } from "../support/promtool.ts";

const missing = await missingCommand("promtool", PACKAGE);

function test(name: string, fn: () => Promise<void>): void {
  const ignore = missing !== undefined;
  Deno.test({ name: ignore ? `${name} (not run: ${missing})` : name, ignore, fn });
}

const runbook = await Deno.readTextFile(new URL("../../docs/runbook.md", import.meta.url));

/** Words of PromQL that are no metrics, when no bracket follows. */
const WORDS = new Set(["and", "or", "unless", "offset", "by", "on", "group_right"]);
const LISTS = /\b(?:by|on|group_right) ?\(([^)]*)\)/g;

function metricsIn(expression: string): string[] {
  const bare = expression.replace(/\{[^}]*\}|\[[^\]]*\]/g, "").replace(LISTS, "");
  const names = [...bare.matchAll(/(?<![\w$])[a-z_:][\w:]*(?!\w|\s*\()/gi)].map(([name]) => name);
  return names.filter((name) => !WORDS.has(name));
}

function labelsIn(expression: string): string[] {
  const lists = [...expression.matchAll(LISTS)].flatMap(([, list = ""]) => list.split(/,\s*/));
  const matchers = [...expression.matchAll(/(\w+)(?==~?")/g)].map(([, label = ""]) => label);
  return [...lists, ...matchers].filter((label) => label !== "");
}

/** What is looked at here of a line of the dashboard. */
interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

function dashboardTargets(): Target[] {
  const { panels } = JSON.parse(dashboard());
  return panels.flatMap((panel: { targets?: Target[] }) => panel.targets ?? []);
}

function dashboardExpressions(): string[] {
  return dashboardTargets().map(({ expr }) => expr);
}

const PROGRAM_METRICS = new Set<string>(
  Object.values(METRICS)
    .filter(({ labels }) => !labels.some((label) => label === "connector"))
    .map(({ name }) => name),
);

/** Whether an expression is about a channel, and not the program. */
function isOfChannel(expression: string): boolean {
  return metricsIn(expression).some((name) => !PROGRAM_METRICS.has(name));
}

Deno.test("the expressions that take PromQL apart find metrics and labels", () => {
  const expression =
    'sum by (job, le) (rate(some_total{a="x",b=~"y|z"}[5m] offset 1h)) > 0.5 and ' +
    "on (instance) other";
  assert.deepEqual(metricsIn(expression), ["some_total", "other"]);
  assert.deepEqual(labelsIn(expression), ["job", "le", "instance", "a", "b"]);
});

Deno.test("alerts and dashboard name only metrics and labels that exist", async () => {
  const types = [...(await new MetricsRegistry().text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const existing = new Set(
    types.flatMap(([, name, type]) => type === "histogram" ? [`${name}_bucket`] : [name]),
  );
  const labels = new Set<string>(
    Object.values(METRICS).flatMap(({ labels }): readonly string[] => labels),
  );
  for (const notOfMetrics of ["job", "instance", "le"]) labels.add(notOfMetrics);
  const expressions = [...Object.values(ALERTS).map(({ expr }) => expr), ...dashboardExpressions()];
  assert.ok(expressions.length > 40, `${expressions.length} expressions`);
  for (const expression of expressions) {
    const names = metricsIn(expression);
    assert.ok(names.length > 0, expression);
    for (const name of names) assert.ok(existing.has(name), `${name} in ${expression}`);
    for (const label of labelsIn(expression)) {
      assert.ok(labels.has(label), `${label}: ${expression}`);
    }
  }
});

Deno.test("every metric that there is, is on the dashboard", () => {
  const shown = new Set(dashboardExpressions().flatMap(metricsIn));
  for (const { name, type } of Object.values(METRICS)) {
    assert.ok(shown.has(type === "histogram" ? `${name}_bucket` : name), name);
  }
});

Deno.test("what alerts and dashboard sum up of channels is told of each", () => {
  const summed = [...Object.values(ALERTS).map(({ expr }) => expr), ...dashboardExpressions()]
    .filter((expression) => isOfChannel(expression) && expression.includes(" by ("));
  assert.ok(summed.length > 20, `${summed.length} expressions`);
  for (const expression of summed) {
    for (const [, list = ""] of expression.matchAll(/ by \(([^)]*)\)/g)) {
      assert.ok(list.split(", ").includes("connector"), expression);
    }
  }
});

Deno.test("a line of the dashboard that is a channel's is called after it, and chosen by it", () => {
  const { true: ofChannel = [], false: others = [] } = Object.groupBy(
    dashboardTargets(),
    ({ expr }) => `${isOfChannel(expr)}`,
  );
  assert.ok(ofChannel.length > 20 && others.length > 5);
  for (const { expr, legendFormat } of ofChannel) {
    assert.ok(legendFormat.includes("{{connector}}"), legendFormat);
    const selectors = expr.split("{").length - 1;
    assert.equal(expr.split('connector=~"$connector"').length - 1, selectors, expr);
  }
  for (const { expr } of others) assert.ok(!expr.includes("connector"), expr);
});

Deno.test("every alert has its paragraph in the runbook, and no other is there", () => {
  const [, section = ""] = /^## Alerts\n([^]*?)^## /m.exec(runbook) ?? [];
  const headings = [...section.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
  assert.deepEqual(headings, Object.keys(ALERTS));
});

test("promtool has nothing to say of the rules that the program prints", async () => {
  const { code, stdout } = await Program.fromSource().output(["alerts", "--runbook=https://x/y"]);
  assert.equal(code, 0);
  assert.ok(stdout.includes("runbook_url: https://x/y#turndown\n"), stdout);
  assert.equal(stdout, alertRules({ runbook: "https://x/y" }));
  assert.equal(
    await promtool(["check", "rules", "rules"], { files: { rules: stdout } }),
    undefined,
  );
});

test("Prometheus can read each expression of the dashboard that the program prints", async () => {
  const { code, stdout } = await Program.fromSource().output(["dashboard"]);
  assert.equal(code, 0);
  assert.equal(stdout, dashboard());
  // Grafana puts something in place of its variables first.
  const { annotations, panels } = JSON.parse(stdout);
  const figures = panels.findIndex(({ type }: { type: string }) => type !== "stat");
  assert.equal(figures, 5, "the dashboard does not begin with five figures");
  const marks = annotations.list.map(({ expr }: { expr: string }) => expr);
  assert.equal(marks.length, 2);
  const rules = [...dashboardExpressions(), ...marks].map((expr, index) => ({
    record: `panel_${index}`,
    expr: expr.replaceAll("$__rate_interval", "1m"),
  }));
  const file = JSON.stringify({ groups: [{ name: "dashboard", rules }] });
  assert.equal(await promtool(["check", "rules", "rules"], { files: { rules: file } }), undefined);
});

/** Series, one value a minute, and at which minutes the alert is to fire. */
interface Course {
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  readonly at: Readonly<Record<number, boolean>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** The labels of a series of one of several channels. */
const OF = (connector: string): string => `job="j",instance="i",connector="${connector}"`;

const SENT = `${METRICS.transports.name}{job="j",instance="i",transport="t",result="sent"}`;
const DELIVERED = SENT.replace("sent", "delivered");
const ACKED = SENT.replace("sent", "acked");
const UNACKED = SENT.replace("sent", "unacked");

/** On the scale of real time; that of the faults themselves is alerts_fire_test.ts's. */
const COURSES: readonly Course[] = [
  {
    // One probe a minute while Turn is down, and then a new token.
    alert: "TurnRefusesToken",
    series: { [`${METRICS.answers.name}{job="j",instance="i",status="401"}`]: "0x9 1+1x20 21x20" },
    at: { 9: false, 11: true, 30: true, 40: false },
    labels: { job: "j", instance: "i" },
  },
  {
    // The token of one of two channels.
    alert: "TurnRefusesToken",
    series: {
      [`${METRICS.answers.name}{${OF("a")},status="401"}`]: "0x60",
      [`${METRICS.answers.name}{${OF("b")},status="401"}`]: "0x9 1+1x20 21x20",
    },
    at: { 9: false, 11: true },
    labels: { job: "j", instance: "i", connector: "b" },
  },
  {
    alert: "CacheFails",
    series: {
      [`${METRICS.cacheFailures.name}{${OF("a")},operation="read"}`]: "0x60",
      [`${METRICS.cacheFailures.name}{${OF("b")},operation="read"}`]: "0x9 1+1x50",
    },
    at: { 9: false, 11: true },
    labels: { job: "j", instance: "i", connector: "b" },
  },
  {
    // Of two bridges one stops, and the other takes over after a minute; then it can't any more.
    alert: "NobodySpeaks",
    series: {
      [`${METRICS.speaks.name}{job="j",instance="i",connector="a"}`]: "1x9 0x50",
      [`${METRICS.speaks.name}{job="j",instance="k",connector="a"}`]: "0x10 1x19 0x29",
      [`${METRICS.speaks.name}{job="j",instance="k",connector="b"}`]: "1x60",
    },
    at: { 9: false, 14: false, 32: false, 35: true },
    labels: { job: "j", connector: "a" },
  },
  {
    // A transport of the same name behind two connectors: what one acks is not for the other.
    alert: "TransportSilent",
    series: {
      [SENT.replace("{", '{connector="a",')]: "0+2x120",
      [SENT.replace("{", '{connector="b",')]: "0+2x120",
      [ACKED.replace("{", '{connector="a",')]: "0+2x120",
      [ACKED.replace("{", '{connector="b",')]: "0x120",
    },
    at: { 60: true },
    labels: { job: "j", connector: "b", transport: "t" },
  },
  {
    // Half an hour of acks, then none.
    alert: "TransportSilent",
    series: { [SENT]: "0+2x120", [ACKED]: "0+2x30 60x90" },
    at: { 30: false, 60: false, 70: true, 120: true },
    labels: { job: "j", transport: "t" },
  },
  {
    // One that never says anything is TransportSilent's.
    alert: "SmsUnacked",
    series: {
      [UNACKED.replace("{", '{connector="a",')]: "0x60 0+1x60",
      [ACKED.replace("{", '{connector="a",')]: "0+2x120",
      [UNACKED.replace("{", '{connector="b",')]: "0+1x120",
    },
    at: { 59: false, 63: true },
    labels: { job: "j", connector: "a", transport: "t" },
  },
  {
    // Nine in ten; from the second day on four in ten.
    alert: "DeliveryRateFell",
    series: { [SENT]: "0+10x1600", [DELIVERED]: "0+9x1440 12960+4x160" },
    at: { 1440: false, 1450: false, 1530: true },
    labels: { job: "j", transport: "t" },
  },
  {
    // One in twenty, then one in five; what was shown at last was counted before.
    alert: "AnswersTooLate",
    series: {
      [`${METRICS.screens.name}{${OF("a")},messages="1"}`]: "0+2x240",
      [`${METRICS.screens.name}{${OF("a")},messages="2"}`]: "0+2x240",
      [`${METRICS.late.name}{${OF("a")},result="sms"}`]: "0+0.2x120 24+0.8x120",
      [`${METRICS.late.name}{${OF("a")},result="shown"}`]: "0+4x240",
      [`${METRICS.screens.name}{${OF("b")},messages="1"}`]: "0+1x240",
      [`${METRICS.late.name}{${OF("b")},result="sms"}`]: "0x240",
    },
    at: { 110: false, 125: false, 200: true },
    labels: { job: "j", connector: "a" },
  },
  {
    // Few of few are nothing to look at.
    alert: "AnswersTooLate",
    series: {
      [`${METRICS.screens.name}{${OF("a")},messages="1"}`]: "0x29 1x211",
      [`${METRICS.late.name}{${OF("a")},result="refused"}`]: "0x29 4x211",
    },
    at: { 60: false, 80: false },
    labels: { job: "j", connector: "a" },
  },
  {
    // All are refused, and nothing is shown.
    alert: "AnswersTooLate",
    series: {
      [`${METRICS.screens.name}{${OF("a")},messages="1"}`]: "0x240",
      [`${METRICS.late.name}{${OF("a")},result="refused"}`]: "0x60 0+1x180",
    },
    at: { 60: false, 110: true },
    labels: { job: "j", connector: "a" },
  },
  {
    // A day of an answer to each message; then Turn posts nothing to one of two channels.
    alert: "TurnSilent",
    series: {
      [`${METRICS.messages.name}{${OF("a")},flow="inbound",result="delivered"}`]: "0+1x1600",
      [`${METRICS.messages.name}{${OF("a")},flow="outbound",result="accepted"}`]:
        "0+1x1440 1440x160",
      [`${METRICS.messages.name}{${OF("b")},flow="inbound",result="delivered"}`]: "0+1x1600",
      [`${METRICS.messages.name}{${OF("b")},flow="outbound",result="accepted"}`]: "0+1x1600",
    },
    at: { 60: false, 1440: false, 1465: false, 1480: true },
    labels: { job: "j", connector: "a" },
  },
  {
    // Nobody answers at this hour on other days either, nor before there was one.
    alert: "TurnSilent",
    series: {
      [`${METRICS.messages.name}{${OF("a")},flow="inbound",result="delivered"}`]: "0+1x1600",
      [`${METRICS.messages.name}{${OF("a")},flow="outbound",result="accepted"}`]: "0x1600",
    },
    at: { 60: false, 1500: false },
    labels: { job: "j", connector: "a" },
  },
  {
    alert: "TurnLimitsUs",
    series: {
      [`${METRICS.limitWait.name}{job="j",instance="i",resource="messages"}`]: "0+20x20 400+50x40",
    },
    at: { 20: false, 30: false, 45: true },
    labels: { job: "j", instance: "i", resource: "messages" },
  },
];

test("alerts fire and end in time", async () => {
  const tests = COURSES.map(({ alert, series, at, labels }) => ({
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: Object.entries(at).map(([minute, fires]) => ({
      eval_time: `${minute}m`,
      alertname: alert,
      exp_alerts: fires ? [expected(alert, labels)] : [],
    })),
  }));
  const files = {
    // What they say besides has a test of its own.
    rules: alertRules().replaceAll(/^ +description: \|-\n(?: {12}.*\n)+/gm, ""),
    tests: JSON.stringify({ rule_files: ["rules"], evaluation_interval: "1m", tests }),
  };
  assert.equal(await promtool(["test", "rules", "tests"], { files }), undefined);
});

function expected(name: string, labels: Readonly<Record<string, string>>): unknown {
  const alert = ALERTS[name] ?? assert.fail(name);
  const summary = alert.summary.replaceAll(
    /\{\{ \$labels\.(\w+) \}\}/g,
    (_, label) => labels[label] ?? "",
  );
  return {
    exp_labels: { ...labels, severity: alert.severity },
    exp_annotations: {
      summary: alert.isOfChannel ? `${labels["connector"] ?? ""}: ${summary}` : summary,
    },
  };
}

test("an alert's description has channel, figures and the two commands", async () => {
  const waiting = `${METRICS.queueMessages.name}{${OF("ussd")},queue="inbound",place="waiting"}`;
  const series = {
    [`${METRICS.breaker.name}{${OF("ussd")},state="closed"}`]: "0x10",
    [waiting]: "38x10",
    [`${METRICS.queueMessages.name}{${OF("sms")},queue="event",place="parked"}`]: "3x10",
  };
  const exp = (alertname: string, labels: object, summary: string, description: string) => ({
    ...{ eval_time: "5m", alertname },
    exp_alerts: [{ exp_labels: { ...labels }, exp_annotations: { summary, description } }],
  });
  const of = { job: "j", instance: "i" };
  const tests = [{
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      exp(
        "TurnDown",
        { ...of, connector: "ussd", state: "closed", severity: "page" },
        "ussd: Turn can't be reached, or fails; messages wait until it is back",
        "Channel ussd: 38 messages of users wait in the queue, beside those in hand. Nothing is lost: they stay there, " +
          "and one call every ten seconds looks whether it is over. If it is Turn, wait; if it is a " +
          "proxy, a firewall or turn_api_url, mend that.\n" +
          "turn-channels status --connector ussd\nturn-channels explain TurnDown",
      ),
      exp(
        "MessagesParked",
        { ...of, connector: "sms", queue: "event", place: "parked", severity: "ticket" },
        "sms: 3 messages of the queue event are parked: somebody must look at them",
        "Channel sms: Turn refused them, they ran out of retries, or nobody can read them. Look why, " +
          "fix that, and put them back with turn-channels parked replay.\n" +
          "turn-channels parked list --connector sms --queue event\n" +
          "turn-channels explain MessagesParked",
      ),
    ],
  }];
  const files = {
    rules: alertRules(),
    tests: JSON.stringify({ rule_files: ["rules"], evaluation_interval: "1m", tests }),
  };
  assert.equal(await promtool(["test", "rules", "tests"], { files }), undefined);
});

Deno.test("an alert links to the runbook only where that is known to be served", () => {
  assert.ok(!alertRules().includes("runbook_url"));
});
