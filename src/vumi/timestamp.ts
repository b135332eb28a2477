// vumi's timestamps: UTC, `YYYY-MM-DD HH:MM:SS.ffffff`. They stay strings, as a `Date` would lose the
// microseconds. No fraction, a shorter one, a trailing `Z`, and numbers without a leading zero are
// read too (vumi2's deserialise_vumi_timestamp).

import * as z from "zod";

const WIRE_FORM = /^(\d{4})-(\d\d?)-(\d\d?)\s+(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,6}))?Z?$/;

/** Reads a timestamp into its full form; now, when absent. */
export const timestampSchema: z.ZodType<string> = z.string().default(() =>
  formatTimestamp(new Date())
).transform((text, context) => {
  const [, year = "", ...rest] = WIRE_FORM.exec(text) ?? [];
  const [month, day, hours, minutes, seconds] = rest.map((number = "") => number.padStart(2, "0"));
  const [date, time] = [`${year}-${month}-${day}`, `${hours}:${minutes}:${seconds}`];
  if (isRealTime(date, time)) return `${date} ${time}.${(rest[5] ?? "").padEnd(6, "0")}`;
  context.addIssue({ code: "custom", message: "expected YYYY-MM-DD HH:MM:SS.ffffff" });
  return z.NEVER;
});

/** A point in time as vumi writes it. */
export function formatTimestamp(date: Date): string {
  const text = date.toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 23)}000`;
}

/** Whole seconds since 1970 of a timestamp in its full form, rounded down. */
export function unixSeconds(timestamp: string): number {
  return Math.floor(Date.parse(`${timestamp.slice(0, 10)}T${timestamp.slice(11, 19)}Z`) / 1000);
}

/** Milliseconds since 1970 of a timestamp in its full form, rounded down. */
export function unixMilliseconds(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 10)}T${timestamp.slice(11, 23)}Z`);
}

function isRealTime(date: string, time: string): boolean {
  const instant = Date.parse(`${date}T${time}Z`);
  // A day that the month has not is taken for one of the next month.
  return !Number.isNaN(instant) && new Date(instant).getUTCDate() === Number(date.slice(8));
}
