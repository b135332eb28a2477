// What one of Turn's messages becomes on a phone: a text, or several, with its options, or nothing.

import { type Medium, type Option, showMessage, toPages, toSms } from "../content/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { OutboundRequest } from "../turn/mod.ts";
import type { ContentOptions } from "./options.ts";

/** A message as a phone shows it. */
export interface Shown {
  readonly kind: "shown";
  readonly medium: Medium;
  /** One or more: screens, or SMS. */
  readonly texts: readonly [string, ...string[]];
  readonly options: readonly Option[];
}

/** What a message becomes. */
export type Rendered =
  | Shown
  /** Nothing, and the flow goes on without it. */
  | { readonly kind: "not_shown" }
  /** It can't be shown or sent; for Turn. */
  | { readonly kind: "unsendable"; readonly details: string; readonly field: string };

/** A menu is remembered; of people's it has some hundred characters as JSON. */
const MOST_OPTIONS = 100_000;

/** What `request` becomes on `medium`; counted in the metrics. */
export function render(
  { message, content }: OutboundRequest,
  medium: Medium,
  options: ContentOptions,
  metrics: Metrics,
): Rendered {
  const shown = showMessage(message, content, { ...options, medium });
  switch (shown.kind) {
    case "not_shown":
      return shown;
    case "without_words":
      return { kind: "unsendable", details: shown.details, field: shown.field };
    case "shown":
      if (JSON.stringify(shown.options).length > MOST_OPTIONS) {
        return unsendable("The options are too many, or too long, to be remembered");
      }
      return medium === "ussd"
        ? onScreens(shown.text, shown.options, options)
        : bySms(shown.text, shown.options, options, metrics);
  }
}

function onScreens(text: string, menu: readonly Option[], options: ContentOptions): Rendered {
  const [first = "", ...others] = toPages(text, options.pages);
  return { kind: "shown", medium: "ussd", texts: [first, ...others], options: menu };
}

function bySms(
  text: string,
  menu: readonly Option[],
  options: ContentOptions,
  metrics: Metrics,
): Rendered {
  const sms = toSms(text, options);
  if (sms.kind === "not_encodable") {
    metrics.notEncodable();
    const { codePoint, place } = sms;
    // The character itself would come into the log.
    return unsendable(
      `Character ${place} of the text, ${codePoint}, is not in GSM-7, and text_encoding is gsm7`,
    );
  }
  metrics.substituted(sms.substitutions);
  switch (sms.kind) {
    case "nothing":
      return { kind: "not_shown" };
    case "too_long":
      return unsendable(`The text takes ${sms.segments} SMS, and sms.long is refuse`);
    case "sms":
      return { kind: "shown", medium: "sms", texts: sms.texts, options: menu };
  }
}

function unsendable(details: string): Rendered {
  return { kind: "unsendable", details, field: "turn" };
}
