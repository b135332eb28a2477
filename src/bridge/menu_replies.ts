// How Turn is told what a user chose: as the choice that it was; or as its title, if Turn does not take
// choices, which is found out again each hour.

import type { Metrics } from "../telemetry/mod.ts";
import type { CallOptions, CallResult, InboundText, TurnClient } from "../turn/mod.ts";
import { log } from "./log.ts";
import type { ContentOptions } from "./options.ts";

/** A status with which Turn refuses the type of a message. */
const REFUSES_TYPE: ReadonlySet<number> = new Set([400, 415, 422]);
const REFUSES_FOR_MS = 60 * 60_000;

export interface MenuRepliesOptions {
  readonly turn: Pick<TurnClient, "sendMessage">;
  readonly metrics: Metrics;
  readonly content: Pick<ContentOptions, "menuReply">;
  readonly connector: string;
  /** Milliseconds on a clock that is not set back. */
  readonly elapsed: () => number;
}

export class MenuReplies {
  readonly #options: MenuRepliesOptions;
  /** Until when choices are told as texts. */
  #textUntil = -Infinity;

  constructor(options: MenuRepliesOptions) {
    this.#options = options;
  }

  /** Tells Turn of a message; of a choice that it refuses the title, with the same id. */
  readonly send = async (text: InboundText, options: CallOptions): Promise<CallResult> => {
    const { turn, content: { menuReply }, metrics, connector, elapsed } = this.#options;
    if (text.choice === undefined) return await turn.sendMessage(text, options);
    const { choice: { title }, ...rest } = text;
    const asText = { ...rest, text: title };
    const isText = menuReply === "text" || menuReply === "auto" && elapsed() < this.#textUntil;
    if (isText) return await turn.sendMessage(asText, options);
    const result = await turn.sendMessage(text, options);
    const isRefused = result.kind === "refused" && REFUSES_TYPE.has(result.status);
    if (!isRefused || menuReply === "interactive") return result;
    this.#textUntil = elapsed() + REFUSES_FOR_MS;
    metrics.choiceRefused();
    const values = { connector, messageId: text.id, reason: result.reason };
    log.warning(
      "Turn takes no choices, so {connector} tells them as texts for an hour: {reason}",
      values,
    );
    return await turn.sendMessage(asText, options);
  };
}
