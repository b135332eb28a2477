/**
 * What flows, as Turn exports them, look like on a phone: screens of USSD or SMS made by the bridge's own
 * code, and warnings for who writes the flows.
 *
 * @module
 */

export type { Unread } from "./container.ts";
export type { SessionOptions } from "./flow_warnings.ts";
export { formatHtml } from "./html.ts";
export { summaryOf, warningsOf } from "./phrases.ts";
export {
  type FlowFile,
  type FlowPreview,
  type LanguagePreview,
  type Preview,
  preview,
  type PreviewOptions,
  skeletonOf,
  type Step,
} from "./preview.ts";
export { readSamples, type Samples, type Words } from "./samples.ts";
export type { Page, PhoneOptions } from "./screens.ts";
export { formatText } from "./text.ts";
export type { TranscriptOptions } from "./transcript.ts";
export type { Warning, WarningKind } from "./warnings.ts";
