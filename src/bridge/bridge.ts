// The life of one channel's bridge: it makes the three flows, starts them, and ends them without
// losing what is in work.

import type { TurnFigures } from "../telemetry/mod.ts";
import { within } from "../async/mod.ts";
import type { Accept, InboundText, Status } from "../turn/mod.ts";
import type { BrokerMessage, Connector, Disposition, Handover } from "../vumi/mod.ts";
import { CrashCounts } from "./crash_counts.ts";
import { Deliveries } from "./deliveries.ts";
import { AGAIN, isReturnedTooOften } from "./held_returns.ts";
import { HeldSmsFlow } from "./held_sms.ts";
import { InboundFlow } from "./inbound.ts";
import { MenuReplies } from "./menu_replies.ts";
import type { BridgeOptions } from "./options.ts";
import { OutboundFlow } from "./outbound.ts";
import { decodeHeldSms } from "./sms_records.ts";
import { SmsSender } from "./sms_sender.ts";
import { StatusFlow } from "./statuses.ts";
import { TurnGate } from "./turn_gate.ts";
import { Turns } from "./turns.ts";
import { UssdInbound } from "./ussd_inbound.ts";
import { type Clock, SYSTEM_CLOCK } from "./wake_up.ts";

/** How long abandoned work may take to be answered for at the broker, in milliseconds. */
const SETTLE_MS = 2_000;

/** One channel, running. */
export class Bridge implements Disposable {
  readonly #connector: Connector;
  readonly #gate: TurnGate;
  readonly #messages: Deliveries<InboundText>;
  readonly #events: Deliveries<Status>;
  readonly #inbound: InboundFlow;
  readonly #statuses: StatusFlow;
  readonly #turns: Turns;
  readonly #sms: SmsSender;
  readonly #heldSms: HeldSmsFlow;
  readonly #crashes = new CrashCounts();
  readonly #stopping = new AbortController();
  readonly #abandon = new AbortController();
  /** Takes what Turn asks us to send. Still does while draining: nothing else would answer it. */
  readonly accept: Accept;

  /** Wires the flows; no I/O. */
  constructor(options: BridgeOptions, clock: Clock = SYSTEM_CLOCK) {
    const { connector, concurrency, metrics, turn } = options;
    this.#connector = connector;
    this.#gate = new TurnGate({ connector: connector.name, concurrency, metrics, ...clock });
    const parts = {
      ...options,
      ...clock,
      gate: this.#gate,
      crashes: this.#crashes,
      stopping: this.#stopping.signal,
      abandon: this.#abandon.signal,
      isDeaf: () => 2 * this.#events.inHand >= connector.eventPrefetch,
    };
    const replies = new MenuReplies({ ...options, connector: connector.name, ...clock });
    this.#messages = new Deliveries({
      ...parts,
      flow: "inbound",
      call: replies.send,
      timeoutMs: () => options.messageTimeoutMs,
    });
    this.#events = new Deliveries({
      ...parts,
      flow: "status",
      call: turn.sendStatus.bind(turn),
      timeoutMs: () => options.statusTimeoutMs,
    });
    const smsSender = this.#sms = new SmsSender(parts);
    this.#heldSms = new HeldSmsFlow(parts, smsSender);
    this.#turns = new Turns({ ...parts, smsSender });
    const ussd = new UssdInbound({ ...parts, turns: this.#turns });
    this.#inbound = new InboundFlow(options, this.#messages, ussd);
    this.#statuses = new StatusFlow(options, this.#events, smsSender);
    this.accept = new OutboundFlow(options, smsSender).accept;
  }

  /** The state of Turn, and figures of the calls to it, for health and metrics. */
  turnFigures(): TurnFigures {
    return this.#gate.figures();
  }

  /** How many messages and events are in hand: taken off their queues, and not done with. */
  inHand(): { readonly inbound: number; readonly event: number } {
    return { inbound: this.#messages.inHand, event: this.#events.inHand };
  }

  /** Whether it speaks for its channel, and no other bridge does. */
  get leads(): boolean {
    return this.#connector.leads;
  }

  /** Begins to consume; a broker that is away is waited for, not here. */
  start(): void {
    const deliveries = { inbound: this.#messages, event: this.#events };
    this.#connector.start({
      inbound: this.#inbound.handle,
      event: this.#statuses.handle,
      held: (message) => this.#handleHeld(message),
      onLead: (handover) => this.takeOver(handover),
      unreadable: (from) => deliveries[from].countUnreadable(),
      parked: (from, isNew) => deliveries[from].countParked(isNew),
    });
  }

  /**
   * Looks anew for messages that wait elsewhere, as another bridge may have spoken for the channel
   * before, and at what that one left. To be called when this one begins to, before anything is handed
   * out.
   */
  takeOver(handover: Handover): void {
    this.#crashes.takeOver(handover);
    this.#messages.forget();
    this.#events.forget();
    this.#turns.byUser.forget();
    this.#sms.forget();
  }

  /** What each transport was found to take in a second, in SMS; 0: all that comes. */
  smsRates(): ReadonlyMap<string, number> {
    return this.#sms.rates();
  }

  /** How many SMS were held here, and are done with. */
  heldSmsEnded(): number {
    return this.#sms.inHand.ended;
  }

  #handleHeld(message: BrokerMessage): Promise<Disposition> {
    if (isReturnedTooOften(message)) return Promise.resolve(AGAIN);
    const sms = decodeHeldSms(message.body);
    return sms === undefined ? this.#turns.handle(message) : this.#heldSms.handle(sms, message);
  }

  /** Begins nothing new, and waits for nothing any more. */
  [Symbol.dispose](): void {
    this.#stopping.abort();
  }

  /**
   * Takes nothing new off the queues, finishes the calls to Turn that are under way and puts the
   * rest back. When `deadline` fires, the calls are left too. Resolves when nothing is in work, or
   * the broker does not let us settle it: then it delivers the rest again.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#gate.stop();
    const work = this.#connector.cancel().then(() => this.#connector.settled());
    await within(work, Infinity, deadline);
    this.#abandon.abort();
    await within(work, SETTLE_MS);
  }
}
