/**
 * AAT's gateway before vumi2's transport for it, which runs in a process of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Vumi2Worker } from "../support/vumi2.ts";

/** Where the transport listens, and the connector whose transport it is. */
export interface AatGatewayOptions {
  readonly port: number;
  readonly connector: string;
}

/** A phone of the gateway's: what it shows, and whether that takes an answer. */
export interface AatPhone {
  dial(code: string): Promise<readonly [string, boolean]>;
  type(text: string): Promise<readonly [string, boolean]>;
}

/** A running transport of vumi2's. */
export class AatGateway implements AsyncDisposable {
  readonly #address: string;
  readonly #worker: Vumi2Worker;

  private constructor(address: string, worker: Vumi2Worker) {
    this.#address = address;
    this.#worker = worker;
  }

  /** Starts it with a Python that has vumi2. Resolves when it is in health. */
  static async start(python: string, { port, connector }: AatGatewayOptions): Promise<AatGateway> {
    const address = `http://127.0.0.1:${port}`;
    const config = {
      transport_name: connector,
      http_bind: `127.0.0.1:${port}`,
      base_url: address,
      log_level: "ERROR",
    };
    const worker = await Vumi2Worker.start(
      python,
      "vumi2.transports.aat_ussd.AatUssdTransport",
      config,
      async () => {
        const health = await fetch(`${address}/health`).catch(() => undefined);
        await health?.body?.cancel();
        return health?.status === 200;
      },
    );
    return new AatGateway(address, worker);
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
    await this.#worker[Symbol.asyncDispose]();
  }
}

/** What stands in XML, as it is. */
function unescape(xml: string): string {
  return xml.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#10;", "\n").replaceAll("&amp;", "&");
}
