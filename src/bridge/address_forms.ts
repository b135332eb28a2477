// The forms of a user's address: transports and Turn may each want another one.

import type { UserAddresses } from "../cache/mod.ts";

/** As it is; in the international form with a plus; or that form's digits alone. */
export type AddressForm = "as_is" | "e164" | "digits";

/** `address` in a form; as it is, if it is no international number, and none that can be read as one. */
export function inForm(address: string, form: AddressForm, addresses: UserAddresses): string {
  if (form === "as_is") return address;
  const digits = addresses.international(address);
  if (digits === undefined) return address;
  return form === "e164" ? `+${digits}` : digits;
}
