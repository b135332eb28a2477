// @ts-check
/**
 * How much room a text takes, in words.
 *
 * @module
 */

/** @typedef {import("../handset/events.ts").ScreenSize} ScreenSize */
/** @typedef {import("../handset/events.ts").SmsSize} SmsSize */

/**
 * Characters of the screen that has them, or characters and what they cost.
 *
 * @param {ScreenSize | SmsSize} size
 */
export function sizeWords(size) {
  const encoding = size.encoding === "ucs2" ? " (UCS-2)" : "";
  const { characters } = size;
  if ("capacity" in size) return `${characters} of ${size.capacity} characters${encoding}`;
  return `${counted(characters, "character")}${encoding}, ${counted(size.segments, "segment")}`;
}

/**
 * Whether a phone could not show all of it.
 *
 * @param {ScreenSize} size
 */
export function isTooLong({ characters, capacity }) {
  return characters > capacity;
}

/**
 * @param {number} count
 * @param {string} what
 */
function counted(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
