import assert from "node:assert/strict";
import { ALERTS } from "../../src/telemetry/alerts.ts";
import { alertRules } from "../../src/telemetry/mod.ts";
import { missingCommand } from "../support/debian.ts";
import { PACKAGE, Prometheus, scaled, type Told } from "../support/prometheus.ts";
import { until } from "../support/until.ts";
import { FAULTS, healthyBridge } from "./alert_faults.ts";

Deno.test("scaled() leaves no time as it was", () => {
  const unscaled = /\b\d+[smhd]\b/;
  assert.match(alertRules(), unscaled);
  assert.doesNotMatch(scaled(alertRules()), unscaled);
  assert.match(scaled(alertRules()), /stalled_seconds > 3$/m);
});

/** The one whose fault is that there is no bridge. */
const ABSENT = "BridgeAbsent";

const missing = await missingCommand("prometheus", PACKAGE);
const name = "every alert fires at the fault that it is for, and none before or without one";

/** Whether an alert says of which channel it is and what to run, and Prometheus has filled in all. */
function assertSaid(alert: string, { labels, annotations }: Told): void {
  const { summary = "", description = "" } = annotations;
  const said = `${summary}\n${description}`;
  assert.doesNotMatch(said, /\{\{|\}\}|<error|no value|NaN|%!/, said);
  const [first = "", look = "", then = "", ...others] = description.split("\n");
  assert.equal(then, `turn-channels explain ${alert}`);
  assert.deepEqual(others, []);
  if (!ALERTS[alert]?.isOfChannel) return assert.equal(labels["connector"], undefined);
  const connector = labels["connector"] ?? assert.fail(said);
  assert.ok(summary.startsWith(`${connector}: `), said);
  assert.ok(first.startsWith(`Channel ${connector}: `), said);
  if (/ (status|parked list)/.test(look)) {
    assert.ok(look.includes(` --connector ${connector}`), said);
  }
}

Deno.test({
  name: missing === undefined ? name : `${name} (not run: ${missing})`,
  ignore: missing !== undefined,
  async fn() {
    assert.deepEqual([...Object.keys(FAULTS), ABSENT].sort(), Object.keys(ALERTS).sort());
    await using prometheusParts = new AsyncDisposableStack();
    await using bridges = new AsyncDisposableStack();
    const faults = await Promise.all(
      Object.entries(FAULTS).map(async ([alert, make]) => ({ alert, ...await make(bridges) })),
    );
    const jobs = new Map(faults.map(({ alert, address }) => [alert, address]));
    jobs.set("healthy", await healthyBridge(bridges));
    const prometheus = prometheusParts.use(await Prometheus.start(jobs, scaled(alertRules())));
    await until(
      "all targets",
      async () => (await prometheus.query("up == 1")).length === jobs.size,
    );
    // Before anything happens, nothing fires, but for the time in which it did not yet look.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.deepEqual(await prometheus.fired(`alertname!="${ABSENT}"`), []);
    await Promise.all(faults.map(async ({ alert, provoke }) => {
      const over = new AbortController();
      const fires = async (): Promise<void> => {
        await prometheus.fires(alert, alert).finally(() => over.abort());
        assertSaid(alert, await prometheus.told(alert, alert));
      };
      // At once, so that a fault that could not be made is told of as that.
      await Promise.all([provoke(over.signal), fires()]);
    }));
    assert.deepEqual(await prometheus.fired('job="healthy"'), []);
    await bridges.disposeAsync();
    await prometheus.fires(ABSENT, "");
  },
});
