/**
 * What must be remembered between two messages, in the bridge's words: the port
 * {@linkcode MessageCache}. The adapters are `memory.ts` and `deno_kv.ts`; what all must do is
 * written down in tests/cache/contract.ts.
 *
 * @module
 */

import type { Message } from "../vumi/mod.ts";

/**
 * What is kept of a message: what a reply or a status needs. Neither what people wrote nor metadata
 * that belongs to others is.
 */
export type Remembered = Omit<Message, "content" | "helper_metadata" | "routing_metadata">;

/** How long things are remembered. Each adapter's options begin with these. */
export interface Lifetimes {
  /** Milliseconds for which an inbound message can be replied to. */
  readonly inboundTtlMs: number;
  /** Milliseconds for which events about an outbound message can be placed. */
  readonly outboundTtlMs: number;
}

/** The store can't be reached or refuses; what was to be kept is not kept. It may work later. */
export class CacheError extends Error {
  /** Always "CacheError". */
  override readonly name = "CacheError";
}

/**
 * Who wrote last, to reply; what was sent, to place its events. Any string will do as an id or an
 * address, and what is kept may be up to 1 MiB as JSON. What has outlived its time is not returned,
 * swept or not. After a put has resolved, a get finds it.
 *
 * Every method throws {@linkcode CacheError} if the store can't be reached.
 */
export interface MessageCache extends AsyncDisposable {
  /** Keeps an inbound message, as the last one of its user (its `from_addr`) too. */
  putInbound(message: Remembered): Promise<void>;

  /** The inbound message with this id, if it is still remembered. */
  getInbound(messageId: string): Promise<Remembered | undefined>;

  /** The inbound message last put of the user with this address, if remembered. One look-up. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined>;

  /** Keeps an outbound message, so that events about it can be placed. */
  putOutbound(message: Remembered): Promise<void>;

  /** The outbound message with this id, if it is still remembered. */
  getOutbound(messageId: string): Promise<Remembered | undefined>;
}
