/**
 * vumi2's SMPP transport, between a connector and an SMSC of the tests'.
 *
 * @module
 */

import type { Smsc } from "./smsc.ts";
import type { Transport } from "./transport.ts";
import { Vumi2Worker } from "./vumi2.ts";

/** What the worker is started with. */
export interface SmppTransportOptions {
  /** The Python that has vumi2. */
  readonly python: string;
  readonly connector: string;
  readonly smsc: Smsc;
  /** The connector's, which takes no messages from then on. */
  readonly transport: Transport;
  /** More of the worker's configuration: `submit_sm_processor_config`, `worker_concurrency`, …. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Starts it. Resolves when it has bound and consumes `.outbound`. */
export async function startSmppTransport(
  { python, connector, smsc, transport, config }: SmppTransportOptions,
): Promise<Vumi2Worker> {
  await transport.takeNoMore();
  const worker = await Vumi2Worker.start(
    python,
    "vumi2.transports.smpp.SmppTransceiverTransport",
    { transport_name: connector, host: "127.0.0.1", port: smsc.port, ...config },
    async () => smsc.isBound && await transport.consumers("outbound") > 0,
  );
  return worker;
}
