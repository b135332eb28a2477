/**
 * SMS by vumi2's real SMPP transport, to an SMSC that answers as SMSCs do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestBridge } from "../support/bridge.ts";
import { startSmppTransport } from "../support/smpp_transport.ts";
import { Smsc } from "../support/smsc.ts";
import { pythonWithVumi2, type Vumi2Worker } from "../support/vumi2.ts";

const vumi2 = await pythonWithVumi2();

/** How {@linkcode smppTest} is set up. */
export interface SmppTestOptions {
  /** Of the bridge. */
  readonly flags?: Record<string, string>;
  /** Of the transport: `submit_sm_processor_config`, `worker_concurrency`, …. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Configuration of a transport that passes on every receipt about an SMS, not only the first one. */
export const ALL_RECEIPTS = {
  smpp_cache_class: "smpp_cache_that_keeps.SmppCacheThatKeeps",
} as const;

/** A test with a bridge, the transport and an SMSC; it is ignored where vumi2 can't be had. */
export function smppTest(
  name: string,
  { flags, config = {} }: SmppTestOptions,
  test: (bridge: TestBridge, smsc: Smsc, worker: Vumi2Worker) => Promise<void>,
): void {
  smppTestWith(name, async (python) => {
    await using bridge = await TestBridge.start(flags);
    await using smsc = await Smsc.start();
    const { connector, transport } = bridge;
    await using worker = await startSmppTransport({ python, connector, transport, smsc, config });
    await test(bridge, smsc, worker);
  });
}

/** The same for a test that sets up what it needs, with a Python that has vumi2. */
export function smppTestWith(name: string, test: (python: string) => Promise<void>): void {
  const isThere = vumi2.kind === "python";
  Deno.test({
    name: `by vumi2's SMPP transport: ${name}${isThere ? "" : ` (not run: ${vumi2.why})`}`,
    ignore: !isThere,
    async fn() {
      assert.ok(isThere);
      await test(vumi2.path);
    },
  });
}
