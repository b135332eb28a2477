/**
 * What becomes of each message: the three flows, and their life from start to drained.
 *
 * @module
 */

export { type Chosen, keptMeaning, type Meaning } from "./answers.ts";
export { Bridge } from "./bridge.ts";
export type {
  BridgeOptions,
  ContentOptions,
  SmsFallback,
  SmsSendingOptions,
  UssdOptions,
} from "./options.ts";
export * from "./delivery_records.ts";
export { Owners } from "./owners.ts";
export type { HeldMessage } from "./held_messages.ts";
export { type Pending, readPending } from "./notices.ts";
export type { Prompt } from "./prompts.ts";
export { isOwnId, type PartId, readPartId } from "./part_ids.ts";
export { type KeptSms, readSms } from "./sms_records.ts";
export { type ReportState, type ReportStates, reportStatesOf } from "./report_states.ts";
export type { RetryOptions } from "./retries.ts";
export {
  type Asked,
  isTooOld,
  readSession,
  type Session,
  type SessionState,
  type SessionStep,
  whyOver,
} from "./sessions.ts";
