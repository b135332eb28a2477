// Turn and transports write a user's number differently: with or without `+`, spaces and dashes.

/** What a user is known by, however the address is written: a number's digits, else the address. */
export function userKey(address: string): string {
  const digits = address.replace(/[\s-]/g, "").replace(/^\+/, "");
  return /^\d+$/.test(digits) ? digits : address;
}
