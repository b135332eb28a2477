// The forms of a user's address: transports and Turn may each want another one.

import type { KeptRecord, UserAddresses } from "../cache/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { BridgeOptions } from "./options.ts";

/** As it is; in the international form with a plus; or that form's digits alone. */
export type AddressForm = "as_is" | "e164" | "digits";

/** `address` in a form; as it is, if it is no international number, and none that can be read as one. */
export function inForm(address: string, form: AddressForm, addresses: UserAddresses): string {
  if (form === "as_is") return address;
  const digits = addresses.international(address);
  if (digits === undefined) return address;
  return form === "e164" ? `+${digits}` : digits;
}

type FormOptions = Pick<BridgeOptions, "cache" | "connector" | "contactIds" | "transportType">;

/** So long it is known how a channel's transport writes numbers, after it last wrote one. */
const FORM_TTL_MS = 30 * 24 * 60 * 60_000;

/** What is to be kept of how a user's address is written in a message, where Turn is told another form. */
export function keepForm(
  { from_addr: address, transport_type }: Message,
  { cache, connector, contactIds, transportType }: FormOptions,
): readonly KeptRecord[] {
  // New messages go to the channel's own transport.
  if (contactIds === "as_is" || transport_type !== transportType) return [];
  const digits = cache.addresses.international(address);
  if (digits === undefined || !address.endsWith(digits)) return [];
  const value: AddressForm = address === digits ? "digits" : "e164";
  return [{ kind: "address_form", id: connector.name, value, ttlMs: FORM_TTL_MS }];
}

/**
 * `address`, to which no message is known to answer, as the channel's transport last wrote one.
 * @throws {CacheError} If the cache fails.
 */
export async function asTransportWrites(
  address: string,
  { cache, connector, contactIds }: FormOptions,
): Promise<string> {
  if (contactIds === "as_is") return address;
  const kept = await cache.getRecord("address_form", connector.name);
  return inForm(address, kept === "digits" || kept === "e164" ? kept : "as_is", cache.addresses);
}
