/**
 * A Prometheus of Debian's for a test: it scrapes what it is given twice a second, and tells which
 * alerts fire.
 *
 * @module
 */

import { freePort } from "./free_port.ts";
import { supervise } from "./supervise.ts";
import { until } from "./until.ts";

/** The package that has `prometheus` and `promtool`. */
export const PACKAGE = "prometheus";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** An hour is 20 seconds; but a rate takes some scrapes in any case. */
function scale(seconds: number): number {
  return seconds === 0 ? 0 : Math.max(3, seconds / 180);
}

/** The rules with all their times on the test's scale, the longest that a queue may stall too. */
export function scaled(rules: string): string {
  return rules
    .replaceAll(
      /(?<=for: |\[|offset )(\d+)([smhd])\b/g,
      (_, count, unit) => `${Math.round(scale(count * (SECONDS[unit] ?? NaN)) * 1000)}ms`,
    )
    // A day of the test's would take eight minutes.
    .replaceAll("offset 480000ms", "offset 15000ms")
    .replaceAll(/(?<=stalled_seconds > )\d+/g, (seconds) => String(scale(Number(seconds))));
}

/** What runs of a Prometheus. */
export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #folder: string;
  readonly #process: Deno.ChildProcess;

  private constructor(url: string, folder: string, process: Deno.ChildProcess) {
    this.#url = url;
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts it: `jobs` are names with the address of each, `rules` a file of rules as text. */
  static async start(jobs: ReadonlyMap<string, string>, rules: string): Promise<Prometheus> {
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-prometheus-" });
    await Deno.writeTextFile(`${folder}/rules.yml`, rules);
    // JSON is YAML, too.
    await Deno.writeTextFile(`${folder}/config.yml`, JSON.stringify(configuration(jobs)));
    const port = freePort();
    const process = supervise({
      command: [
        "prometheus",
        `--config.file=${folder}/config.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      env: {},
      helper: "",
      logFile: `${folder}/log`,
    });
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, folder, process);
    try {
      await until("Prometheus", async () => await prometheus.#isReady());
    } catch (error) {
      const log = await Deno.readTextFile(`${folder}/log`);
      await prometheus[Symbol.asyncDispose]();
      throw new Error(`Prometheus does not start:\n${log}`, { cause: error });
    }
    return prometheus;
  }

  /** The value of each series that an expression comes to now. */
  async query(expression: string): Promise<readonly Sample[]> {
    const url = `${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const { data, error } = await (await fetch(url)).json();
    if (error !== undefined) throw new Error(`Prometheus says of ${expression}: ${error}`);
    return data.result.map((
      { metric, value }: { metric: Record<string, string>; value: [number, string] },
    ) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Resolves when the alert fires, of this job. */
  async fires(alert: string, job: string): Promise<void> {
    const firing = `ALERTS{alertname="${alert}",job="${job}",alertstate="firing"}`;
    // On a slow machine queues are looked at more seldom than once a minute.
    const isFiring = async () => (await this.query(firing)).length > 0;
    await until(`${alert} of ${job}`, isFiring, 240_000);
  }

  /** What the alert of this job says to people, and of which series it is. */
  async told(alert: string, job: string): Promise<Told> {
    const { data } = await (await fetch(`${this.#url}/api/v1/alerts`)).json();
    const isIt = ({ labels }: Told) => labels["alertname"] === alert && labels["job"] === job;
    return data.alerts.find(isIt);
  }

  /** The alerts that have fired so far, of those series. */
  async fired(matchers: string): Promise<readonly Sample[]> {
    return await this.query(`max_over_time(ALERTS{alertstate="firing",${matchers}}[1h])`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The supervising shell takes the end of its input for the order to stop it.
    await this.#process.stdin.close();
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.#url}/-/ready`);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false; // It does not listen yet.
    }
  }
}

/** An alert as people get it. */
export interface Told {
  /** Of the series. */
  readonly labels: Readonly<Record<string, string>>;
  /** The words. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** What an expression came to. */
export interface Sample {
  /** Of the series. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its value. */
  readonly value: number;
}

function configuration(jobs: ReadonlyMap<string, string>): unknown {
  return {
    global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" },
    rule_files: ["rules.yml"],
    scrape_configs: [...jobs].map(([job_name, address]) => ({
      job_name,
      static_configs: [{ targets: [new URL(address).host] }],
    })),
  };
}
