/**
 * From a message to what the cache keeps of it.
 *
 * @module
 */

import type { Remembered } from "../cache/mod.ts";
import type { Message } from "../vumi/mod.ts";

/** Leaves out what people wrote, and metadata that no reply carries. */
export function remembered(message: Message): Remembered {
  const { content: _, helper_metadata: _h, routing_metadata: _r, ...kept } = message;
  return kept;
}
