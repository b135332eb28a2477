// The forms of a user's address: transports and Turn may each want another one.

/** As it is; in the international form with a plus; or that form's digits alone. */
export type AddressForm = "as_is" | "e164" | "digits";

/** A number that may be international: 7 to 15 digits, the first of which is not 0 (ITU-T E.164). */
const INTERNATIONAL = /^\+?([1-9]\d{6,14})$/;

/** `address` in a form; as it is, if it is no international number. */
export function inForm(address: string, form: AddressForm): string {
  if (form === "as_is") return address;
  const [, digits] = INTERNATIONAL.exec(address.replace(/[\s-]/g, "")) ?? [];
  if (digits === undefined) return address;
  return form === "e164" ? `+${digits}` : digits;
}
