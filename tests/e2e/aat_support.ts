/**
 * AAT's gateway before vumi2's transport for it, which runs in a process of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { until } from "../support/until.ts";

/** Where the transport listens, and the connector whose transport it is. */
export interface AatGatewayOptions {
  readonly port: number;
  readonly connector: string;
  readonly amqpUrl: string;
}

/** A phone of the gateway's: what it shows, and whether that takes an answer. */
export interface AatPhone {
  dial(code: string): Promise<readonly [string, boolean]>;
  type(text: string): Promise<readonly [string, boolean]>;
}

/** A running transport of vumi2's. */
export class AatGateway implements AsyncDisposable {
  readonly #address: string;
  readonly #process: Deno.ChildProcess;

  private constructor(address: string, process: Deno.ChildProcess) {
    this.#address = address;
    this.#process = process;
  }

  /** Starts it with a Python that has vumi2. Resolves when it is in health. */
  static async start(
    python: string,
    { port, connector, amqpUrl }: AatGatewayOptions,
  ): Promise<AatGateway> {
    const address = `http://127.0.0.1:${port}`;
    const worker = "vumi2.transports.aat_ussd.AatUssdTransport";
    const process = new Deno.Command(`${dirname(python)}/vumi2`, {
      args: [
        ...["worker", worker, "--transport-name", connector, "--amqp-url", amqpUrl],
        ...["--http-bind", `127.0.0.1:${port}`, "--base-url", address, "--log-level", "ERROR"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    const gateway = new AatGateway(address, process);
    try {
      let hasEnded = false;
      void process.status.then(() => hasEnded = true);
      await until("vumi2's transport", async () => {
        if (hasEnded) throw new Error("It has ended");
        const health = await fetch(`${address}/health`).catch(() => undefined);
        await health?.body?.cancel();
        return health?.status === 200;
      });
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
    return gateway;
  }

  /** One more phone. */
  phone(msisdn: string, provider = "MTN"): AatPhone {
    let callback = "";
    const ask = async (query: Readonly<Record<string, string>>, url = callback) => {
      const full = new URL(url);
      const all = { msisdn, provider, ussdSessionId: msisdn, ...query };
      for (const [name, value] of Object.entries(all)) full.searchParams.set(name, value);
      const response = await fetch(full);
      const xml = await response.text();
      assert.equal(response.status, 200, xml);
      callback = unescape(/callback="([^"]*)"/.exec(xml)?.[1] ?? "");
      const [, text] = /<headertext>(.*)<\/headertext>/s.exec(xml) ?? [];
      assert.ok(text !== undefined, xml);
      return [unescape(text), callback !== ""] as const;
    };
    return {
      dial: (request) => ask({ request }, `${this.#address}/http_rpc`),
      type: (request) => ask({ request }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#process.status;
  }
}

/** What stands in XML, as it is. */
function unescape(xml: string): string {
  return xml.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#10;", "\n").replaceAll("&amp;", "&");
}
