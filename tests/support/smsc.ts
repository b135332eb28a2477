/**
 * An operator's SMSC, to which vumi2's SMPP transport binds: it keeps what is submitted, answers as it is
 * told to, and sends delivery receipts.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import smpp from "smpp";
import { until } from "./until.ts";

/** What becomes of a submit, by the name of the answer's status. */
export type SubmitAnswer =
  | "ESME_ROK"
  | "ESME_RTHROTTLED"
  | "ESME_RMSGQFUL"
  | "ESME_RSYSERR"
  | "ESME_RSUBMITFAIL"
  | "silence";

/** One submit_sm, as it came. */
export interface Submit {
  /** The SMSC's id of it, by which a receipt names it. */
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly dataCoding: number;
  /** As the phone shows it. */
  readonly text: string;
  /** When it came, in milliseconds. */
  readonly at: number;
  readonly answer: SubmitAnswer;
}

/** In which form a receipt is: the customary text, or the fields that SMPP has for it. */
export type ReceiptForm = "text" | "fields";

/** SMPP's numbers for what the fields say. */
const MESSAGE_STATES: Readonly<Record<string, number>> = {
  ...{ ENROUTE: 1, DELIVRD: 2, EXPIRED: 3, DELETED: 4, UNDELIV: 5, ACCEPTD: 6 },
  ...{ UNKNOWN: 7, REJECTD: 8 },
};

/** The parts of a PDU that are used here; the package has no types. */
interface Pdu {
  readonly destination_addr: string;
  readonly source_addr: string;
  readonly data_coding: number;
  readonly short_message: { readonly message: string | Buffer };
  readonly message_payload?: { readonly message: string | Buffer };
  response(fields?: Readonly<Record<string, unknown>>): Pdu;
}

interface Session {
  on(event: string, listener: (pdu: Pdu) => void): void;
  send(pdu: Pdu): boolean;
  deliver_sm(fields: Readonly<Record<string, unknown>>, answered: (pdu: Pdu) => void): boolean;
  destroy(): void;
}

/** Runs here, on a free port. */
export class Smsc implements AsyncDisposable {
  /** All submits in the order in which they came, whatever was answered. */
  readonly submits: Submit[] = [];
  /** Decides on each submit. */
  decide: (submit: Omit<Submit, "answer">) => SubmitAnswer = () => "ESME_ROK";
  readonly #sessions = new Set<Session>();
  /** Those of them that have bound. */
  readonly #bound: Session[] = [];
  // deno-lint-ignore no-explicit-any -- as Session
  readonly #server: any;

  private constructor() {
    this.#server = smpp.createServer((session: Session) => this.#accept(session));
  }

  static async start(): Promise<Smsc> {
    const smsc = new Smsc();
    await new Promise<void>((listening) => smsc.#server.listen(0, "127.0.0.1", listening));
    return smsc;
  }

  get port(): number {
    return this.#server.address().port;
  }

  /** Whether a transport has bound, and is there. */
  get isBound(): boolean {
    return this.#bound.length > 0;
  }

  /** Those that it has taken. */
  get taken(): readonly Submit[] {
    return this.submits.filter(({ answer }) => answer === "ESME_ROK");
  }

  /** Resolves with those that it has taken when there are `count`. */
  async received(count: number): Promise<readonly Submit[]> {
    await until(`${count} SMS at the SMSC`, () => this.taken.length >= count);
    return this.taken;
  }

  /** From now on it takes so many in any second; above that it answers `above`. */
  throttle(perSecond: number, above: SubmitAnswer = "ESME_RTHROTTLED"): void {
    const taken: number[] = [];
    this.decide = ({ at }) => {
      while ((taken[0] ?? at) <= at - 1000) taken.shift();
      if (taken.length >= perSecond) return above;
      taken.push(at);
      return "ESME_ROK";
    };
  }

  /**
   * Sends a delivery receipt about a submit: DELIVRD, UNDELIV, ACCEPTD, …. Resolves when the transport has
   * answered, which is after it has made an event of it, or none.
   */
  async report({ id, to, from }: Submit, state: string, form: ReceiptForm = "text"): Promise<void> {
    const [session] = this.#bound;
    if (session === undefined) throw new Error("No transport has bound");
    const said = form === "fields"
      ? { receipted_message_id: id, message_state: MESSAGE_STATES[state], short_message: "" }
      : {
        short_message: `id:${id} sub:001 dlvrd:001 submit date:2611300900 done date:2611300901 ` +
          `stat:${state} err:000 text:`,
      };
    const fields = { source_addr: to, destination_addr: from, esm_class: 4, ...said };
    await new Promise<void>((answered) => session.deliver_sm(fields, () => answered()));
  }

  #accept(session: Session): void {
    this.#sessions.add(session);
    // A transport that is killed resets its connection.
    session.on("error", () => {});
    session.on("close", () => {
      this.#sessions.delete(session);
      if (this.#bound.includes(session)) this.#bound.splice(this.#bound.indexOf(session), 1);
    });
    session.on("bind_transceiver", (pdu) => {
      session.send(pdu.response());
      this.#bound.push(session);
    });
    session.on("enquire_link", (pdu) => session.send(pdu.response()));
    session.on("submit_sm", (pdu) => this.#submitted(session, pdu));
  }

  #submitted(session: Session, pdu: Pdu): void {
    const submit = {
      id: `smsc${this.submits.length}`,
      to: pdu.destination_addr,
      from: pdu.source_addr,
      dataCoding: pdu.data_coding,
      text: String((pdu.message_payload ?? pdu.short_message).message),
      at: Date.now(),
    };
    const answer = this.decide(submit);
    this.submits.push({ ...submit, answer });
    if (answer === "silence") return;
    session.send(pdu.response({ command_status: smpp[answer], message_id: submit.id }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((closed) => this.#server.close(() => closed()));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}
