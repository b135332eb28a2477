/**
 * The phone alone for the page, before a bridge and a Turn that are elsewhere: what is done at it goes
 * on the connector's queues, and what comes off them is seen.
 *
 * @module
 */

import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Hello, Now, Settings } from "./events.ts";
import { Journal } from "./journal.ts";
import { MessageTraces } from "./message_traces.ts";
import { PhoneError, Phones } from "./phones.ts";
import type { Play } from "./server.ts";

/** What a {@linkcode PhonePlay} is made of. */
export interface PhonePlayOptions {
  /** On the connector's queues. */
  readonly transport: Transport;
  /** What the queues' names begin with. */
  readonly connector: string;
  /** The number that users write to. */
  readonly number: string;
  /** The code that users dial. */
  readonly ussdCode: string;
  /** How long a USSD session lives, in milliseconds. */
  readonly ussdTimeoutMs: number;
  /** The first phone's. */
  readonly user: string;
}

/** What is done at a phone. */
export type PhoneAction = Extract<
  Action,
  { do: "add" | "text" | "dial" | "answer" | "hangUp" | "report" | "setReports" }
>;

const PHONE_ACTIONS: readonly string[] = [
  "add",
  "text",
  "dial",
  "answer",
  "hangUp",
  "report",
  "setReports",
];

/** Whether it is done at a phone. */
export function isPhoneAction(action: Action): action is PhoneAction {
  return PHONE_ACTIONS.includes(action.do);
}

/** Does it. */
export async function act(phones: Phones, action: PhoneAction): Promise<void> {
  switch (action.do) {
    case "add":
      return phones.add(action.address);
    case "text":
      return await phones.text(action.address, action.text);
    case "dial":
      return await phones.dial(action.address, action.code);
    case "answer":
      return await phones.answer(action.address, action.text);
    case "hangUp":
      return await phones.hangUp(action.address);
    case "report":
      return await phones.report(action.id, action.report);
    case "setReports":
      phones.reportsByItself = action.on;
  }
}

/** Plays. */
export class PhonePlay implements Play, Disposable {
  /** See {@linkcode Play}. */
  readonly journal: Journal = new Journal();
  /** See {@linkcode Play}. */
  readonly hello: Omit<Hello, "anew">;
  readonly #phones: Phones;
  readonly #traces: MessageTraces;

  /** Makes it, with one phone. */
  constructor(options: PhonePlayOptions) {
    const { transport, connector, number, ussdCode, ussdTimeoutMs, user } = options;
    this.hello = { kind: "hello", whole: false, number, ussdCode, connector };
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#traces = new MessageTraces({ transport, journal: this.journal });
    this.#phones = new Phones({
      transport,
      journal: this.journal,
      number,
      ussdTimeoutMs,
    });
    this.#phones.add(user);
  }

  /** See {@linkcode Play}. */
  now(): readonly Now[] {
    return [this.#settings, ...this.#phones.all];
  }

  /** See {@linkcode Play}. */
  async act(action: Action): Promise<void> {
    if (!isPhoneAction(action)) throw new PhoneError("Turn and the bridge are not played here");
    await act(this.#phones, action);
    this.journal.tell(this.#settings);
  }

  /** Ends it; sessions are not ended. */
  [Symbol.dispose](): void {
    this.#phones[Symbol.dispose]();
    this.#traces[Symbol.dispose]();
  }

  get #settings(): Settings {
    return {
      kind: "settings",
      turnAnswers: "200",
      turnReplies: false,
      reports: this.#phones.reportsByItself,
      load: 0,
      touring: false,
    };
  }
}
