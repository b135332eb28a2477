/**
 * What Turn's messages say on a phone, and what a user's answer to them means: functions without
 * I/O, that know neither Turn's HTTP nor vumi's messages.
 *
 * @module
 */

export * from "./encode.ts";
export { type Capacity, isGsm7, type Size, sizeOf, SMS_CAPACITY, smsSegments } from "./gsm7.ts";
export { isKey, type Option, pick, type Picked, readAs } from "./menu.ts";
export { type Merged, mergeMessages, type MessageToMerge } from "./merge.ts";
export { type PageOptions, screenCapacity, toPages } from "./pages.ts";
export { type MediaType, type Medium, showMessage, type Shown, type ShowOptions } from "./show.ts";
export { type Sms, type SmsOptions, toSms } from "./sms.ts";
export { type SmsParts, toSmsParts } from "./sms_parts.ts";
export type { Templates, TemplateWords } from "./template.ts";
