/**
 * The parts that sessions of USSD need, for tests of flows.
 *
 * @module
 */

import { Owners } from "../../src/bridge/mod.ts";
import { Turns, type TurnsOptions } from "../../src/bridge/turns.ts";
import { UssdInbound } from "../../src/bridge/ussd_inbound.ts";
import type { TestDelivery } from "./delivery_support.ts";
import { CONTENT, memoryConnector, smsSender, USSD } from "./support.ts";

/** What becomes of users' messages, by the clock and the cache of `base`. */
export function ussdInbound(base: TestDelivery, more: Partial<TurnsOptions> = {}): UssdInbound {
  const { cache, metrics, stopping: { signal: stopping }, clock: { elapsed, after } } = base;
  const options = {
    connector: memoryConnector(),
    cache,
    metrics,
    stopping,
    owners: new Owners(cache),
    content: CONTENT,
    ussd: USSD,
    transportType: "ussd",
    defaultFromAddr: "*120#",
    emptyMessageBody: undefined,
    ...more,
    ...{ elapsed, after, now: elapsed },
  } as const;
  return new UssdInbound({
    ...options,
    turns: new Turns({ ...options, smsSender: smsSender(options) }),
  });
}
