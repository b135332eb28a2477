// What Turn's messages come to at the bridge, where Turn runs here: those that are merged into one screen,
// refused, or are nothing for a phone. What a flow does wrong with them is said at the phone.

import { LRUCache } from "lru-cache";
import type { RequestAnswer, SimulatedTurn, TurnRequest } from "../simulated_turn.ts";
import type { MessageTrace } from "./events.ts";
import type { Phones } from "./phones.ts";
import { lateWords, mergedWords, notShownWords, refusedWords } from "./warnings.ts";

interface FlowWatchOptions {
  readonly turn: SimulatedTurn;
  readonly phones: Phones;
  readonly ignores: (address: string) => boolean;
}

/** What was asked of the bridge. */
interface Asked {
  readonly address: string;
  readonly type: string;
  /** Whether the user is in a USSD session. */
  readonly ussd: boolean;
}

const REMEMBERED = 2_000;

export class FlowWatch implements Disposable {
  readonly #options: FlowWatchOptions;
  readonly #asked = new LRUCache<string, Asked>({ max: REMEMBERED });
  /** What the bridge logged that it is nothing for a phone, perhaps before it answered. */
  readonly #notShown = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #watch: Disposable;

  constructor(options: FlowWatchOptions) {
    this.#options = options;
    this.#watch = options.turn.watch({
      asks: (request, answered) => void this.#asks(request, answered),
    });
  }

  /** A screen has shown so many of Turn's messages. */
  merged(address: string, count: number): void {
    if (count > 1) this.#warn(address, mergedWords(count), true);
  }

  /** A message was too late for its screen. */
  late({ address, at }: MessageTrace): void {
    const { ms = 0, isDial = false } = this.#options.phones.sinceLast(address, at) ?? {};
    const words = lateWords(ms, isDial);
    if (words !== undefined) this.#warn(address, words, true);
  }

  /** The bridge took a message that no phone shows. */
  notShown(messageId: string): void {
    const asked = this.#asked.get(messageId);
    if (asked === undefined) this.#notShown.set(messageId, true);
    else this.#warn(asked.address, notShownWords(asked.type), asked.ussd);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  async #asks({ body }: TurnRequest, answered: Promise<RequestAnswer>): Promise<void> {
    const { to: address, turn: { type } } = body;
    const { status, body: said } = await answered;
    const ussd = this.#options.phones.isInSession(address);
    if (status !== 200) return this.#warn(address, refusedWords(status, said), ussd);
    const id = String(Object(Object(said).messages?.[0]).id ?? "");
    this.#asked.set(id, { address, type: String(type), ussd });
    if (this.#notShown.has(id)) this.notShown(id);
  }

  #warn(address: string, words: string, ussd: boolean): void {
    if (!this.#options.ignores(address)) this.#options.phones.words.warn(address, words, ussd);
  }
}
