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

interface PhonePlayOptions {
  readonly transport: Transport;
  readonly connector: string;
  readonly number: string;
  readonly ussdCode: string;
  readonly ussdTimeoutMs: number;
  /** The first phone's. */
  readonly user: string;
}

/** What is done at a phone. */
type PhoneAction = Extract<
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
  readonly journal: Journal = new Journal();
  readonly hello: Omit<Hello, "anew">;
  readonly #phones: Phones;
  readonly #traces: MessageTraces;

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

  now(): readonly Now[] {
    return [this.#settings, ...this.#phones.all];
  }

  async act(action: Action): Promise<void> {
    if (!isPhoneAction(action)) throw new PhoneError("Turn and the bridge are not played here");
    await act(this.#phones, action);
    this.journal.tell(this.#settings);
  }

  /** Leaves open sessions open. */
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
