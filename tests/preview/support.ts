/**
 * Previews of flows made for tests, as they are printed.
 *
 * @module
 */

import {
  formatText,
  preview,
  type PreviewOptions,
  type Warning,
  warningsOf,
} from "../../src/preview/mod.ts";
import { flowBytes, type FlowSpec } from "./flow_builder.ts";

export const OPTIONS: PreviewOptions = {
  medium: "ussd",
  samples: new Map(),
  textEncoding: "as_is",
  longSms: "pass",
  maxParts: 4,
  words: { image: "Picture", video: "Video", audio: "Voice message", document: "Document" },
  templates: new Map([
    ["harvest_reminder", { text: "Dear {{1}}, are your beans in?", buttons: ["Yes", "Not yet"] }],
  ]),
  pages: { pageChars: 182, moreKey: "98", moreText: "More", maxPages: 6 },
  startTexts: [],
  mergeWindowMs: 2_000,
  answerDeadlineMs: 8_000,
};

/** What is printed of flows. */
export function printed(specs: readonly FlowSpec[], options: Partial<PreviewOptions> = {}): string {
  const files = specs.map((spec) => ({
    name: `${spec.name.toLowerCase()}.json`,
    bytes: flowBytes(spec),
  }));
  return [...formatText(preview(files, { ...OPTIONS, ...options }), (text) => text)].join("");
}

/** The warnings of a flow. */
export function warningsFor(
  spec: FlowSpec,
  options: Partial<PreviewOptions> = {},
): readonly Warning[] {
  const files = [{ name: "flow.json", bytes: flowBytes(spec) }];
  return warningsOf(preview(files, { ...OPTIONS, ...options }));
}
