// Turn and transports write a user's number differently: with or without `+`, spaces and dashes, or as
// it is dialled in its own country.

/** The digits of the international number that a national one is; undefined for what is none. */
export type ReadNational = (address: string) => string | undefined;

/** What a user is known by, however the address is written: a number's digits, else the address. */
export function userKey(address: string): string {
  const digits = bare(address).replace(/^\+/, "");
  return /^\d+$/.test(digits) ? digits : address;
}

/** 7 to 15 digits, the first of which is not 0 (ITU-T E.164). */
const INTERNATIONAL = /^(\+?)([1-9]\d{6,14})$/;

/** How users' addresses are read. */
export class UserAddresses {
  readonly #readNational: ReadNational | undefined;

  /** Reads national numbers with `readNational`; without it they are none. */
  constructor(readNational?: ReadNational) {
    this.#readNational = readNational;
  }

  /** The digits of an address that is, or may be, an international number. */
  international(address: string): string | undefined {
    const number = bare(address);
    const [, plus, digits] = INTERNATIONAL.exec(number) ?? [];
    return plus === "+" ? digits : this.#readNational?.(number) ?? digits;
  }

  /** What the user is known by: one key for all forms in which the address may be written. */
  key(address: string): string {
    if (this.#readNational === undefined) return userKey(address);
    return this.international(address) ?? userKey(address);
  }

  /** The same, and after that what is the key where national numbers are not read, if that is another. */
  keys(address: string): readonly [string, ...string[]] {
    const [key, old] = [this.key(address), userKey(address)];
    return key === old ? [key] : [key, old];
  }
}

function bare(address: string): string {
  return address.replace(/[\s-]/g, "");
}
