// What is said at phones: by users, the service and the network, and what a flow does wrong.

import type { PhoneMessage, ScreenSize, SmsSize } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { Network } from "./network.ts";
import { screenSize, smsSize } from "./text_size.ts";
import { screenWarnings, smsWarnings } from "./warnings.ts";

interface PhoneWordsOptions {
  readonly journal: Journal;
  readonly network: Network;
  /** What a screen ends with that has another page after it. */
  readonly moreLine?: string | undefined;
}

type Said = Omit<PhoneMessage, "kind" | "size" | "at">;

const LONGEST_TEXT = 4_000;
const MORE_LINE = "98. More";

export class PhoneWords {
  readonly #options: PhoneWordsOptions;

  constructor(options: PhoneWordsOptions) {
    this.#options = options;
  }

  say(said: Said): void {
    const { by, ussd } = said;
    const text = said.text.slice(0, LONGEST_TEXT);
    const size = by === "service" ? this.#sizeOf(said.text, ussd) : null;
    this.#options.journal.add({ kind: "said", ...said, text, size, at: Date.now() });
  }

  notice(address: string, text: string, ussd: boolean): void {
    this.say({ address, id: "", by: "network", text, ussd });
  }

  warn(address: string, text: string, ussd: boolean): void {
    this.#options.journal.add({ kind: "warning", address, text, ussd, at: Date.now() });
  }

  /** Says what is to be said of a text of the service's, which comes after another one. */
  warnOf({ address, text, ussd }: Said, before: string): void {
    const { pageChars } = this.#options.network.limits;
    const readsOn = this.#hasMore(text) && !this.#hasMore(before);
    const warnings = ussd
      ? screenWarnings(text, screenSize(text, pageChars), pageChars, readsOn)
      : smsWarnings(text, smsSize(text));
    for (const warning of warnings) this.warn(address, warning, ussd);
  }

  #hasMore(text: string): boolean {
    return text.endsWith(`\n${this.#options.moreLine ?? MORE_LINE}`);
  }

  #sizeOf(text: string, ussd: boolean): ScreenSize | SmsSize {
    return ussd ? screenSize(text, this.#options.network.limits.pageChars) : smsSize(text);
  }
}
