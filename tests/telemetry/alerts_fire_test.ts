import assert from "node:assert/strict";
import { alertRules, alerts } from "../../src/telemetry/mod.ts";
import { missingCommand } from "../support/debian.ts";
import { PACKAGE, Prometheus } from "../support/prometheus.ts";
import { until } from "../support/until.ts";
import { FAULTS, healthyBridge } from "./alert_faults.ts";

/** An hour is 20 seconds; but a rate takes some scrapes in any case. */
const scale = (seconds: number): number => seconds === 0 ? 0 : Math.max(3, seconds / 180);

/** The one whose fault is that there is no bridge. */
const ABSENT = "BridgeAbsent";

const missing = await missingCommand("prometheus", PACKAGE);
const name = "every alert fires at the fault that it is for, and none before or without one";

Deno.test({
  name: missing === undefined ? name : `${name} (not run: ${missing})`,
  ignore: missing !== undefined,
  async fn() {
    const names = alerts().map((alert) => alert.name);
    assert.deepEqual([...Object.keys(FAULTS), ABSENT].sort(), [...names].sort());
    await using prometheusParts = new AsyncDisposableStack();
    await using bridges = new AsyncDisposableStack();
    const faults = await Promise.all(
      Object.entries(FAULTS).map(async ([alert, make]) => ({ alert, ...await make(bridges) })),
    );
    const jobs = new Map(faults.map(({ alert, address }) => [alert, address]));
    jobs.set("healthy", await healthyBridge(bridges));
    const prometheus = prometheusParts.use(await Prometheus.start(jobs, alertRules({ scale })));
    await until(
      "all targets",
      async () => (await prometheus.query("up == 1")).length === jobs.size,
    );
    // Before anything happens, nothing fires, but for the time in which it did not yet look.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.deepEqual(await prometheus.fired(`alertname!="${ABSENT}"`), []);
    await Promise.all(faults.map(async ({ alert, provoke }) => {
      const over = new AbortController();
      const provoking = provoke(over.signal);
      await prometheus.fires(alert, alert).finally(() => over.abort());
      await provoking;
    }));
    assert.deepEqual(await prometheus.fired('job="healthy"'), []);
    await bridges.disposeAsync();
    await prometheus.fires(ABSENT, "");
  },
});
