// What Turn has sent to a user of USSD, and was told is accepted, as it waits in the queue `held` for
// the bridge that speaks for the channel.

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { parseJson } from "../async/mod.ts";
import type { MessageCache, Remembered } from "../cache/mod.ts";
import type { OutboundRequest } from "../turn/mod.ts";
import { newId } from "../vumi/mod.ts";
import type { UssdOptions } from "./options.ts";

/** One of Turn's messages. */
export interface HeldMessage {
  /** The id that Turn was given. */
  readonly id: string;
  /** What Turn has asked for. */
  readonly request: OutboundRequest;
  /** The user's last message, as far as was known when it came. */
  readonly inbound: Remembered;
  /** Why nobody waits for it, if nothing is known of a session; then `inbound` only says who the user is. */
  readonly over?: string;
}

const FORM = 1;

export function encodeHeld(message: HeldMessage): Uint8Array {
  return Buffer.from(JSON.stringify({ form: FORM, ...message }));
}

/** What `encodeHeld` has made; undefined for all else. */
export function decodeHeld(body: Uint8Array): HeldMessage | undefined {
  const json = parseJson(body);
  const isOurs = typeof json === "object" && json !== null && "form" in json && json.form === FORM;
  return isOurs ? json as unknown as HeldMessage : undefined;
}

/**
 * The id of the message that equal requests are for one of the user's messages: Turn may not have heard
 * that it was accepted. Whether it is held already, and the note that it is, to be kept then.
 * @param body The request's.
 * @throws {CacheError} If the cache fails.
 */
export async function claimHeld(
  cache: MessageCache,
  inboundId: string,
  body: Uint8Array,
  { sessionMs }: Pick<UssdOptions, "sessionMs">,
) {
  const hash = createHash("sha256").update(body).digest("base64");
  const note = { kind: "held", id: `${inboundId} ${hash}`, ttlMs: sessionMs } as const;
  const kept = await cache.claimNote({ ...note, value: newId() });
  const [id = newId(), held] = kept?.split(" ") ?? [];
  return { id, isHeld: held !== undefined, held: { ...note, value: `${id} held` } };
}
