// Messages that are meant for others than the phones here, for real people perhaps: those that waited when
// the program started, and those to users of whom it has no phone. They stay in the queue: in hand, so that
// the broker has them again, in their place, when the program ends, however it ends.

import { createHash } from "node:crypto";
import { type After, parseFields, sleep } from "../../async/mod.ts";
import type { BrokerMessage, Browser, Disposition } from "../../broker/mod.ts";
import type { Message } from "../../vumi/mod.ts";
import type { Others as OthersNow } from "./events.ts";

/** A message that waits in the queue. */
export interface WaitingMessage {
  /** By which it is known when it comes: a message may have no id, or be none. */
  readonly digest: string;
  readonly address: string;
}

/** Most messages that are left in hand; with so many nothing else comes. */
export const MOST_LEFT = 1_000;

/** Most that may wait when the program starts: others may come, and it must have room for its own. */
export const MOST_WAITING = 500;

/** RabbitMQ takes back what is in hand for longer than 30 minutes, unless it is told otherwise. */
const LEAVE_MS = 15 * 60_000;
/** A quorum queue drops what it got back 20 times, unless it is told otherwise. */
const MOST_RETURNS = 10;
const MOST_NAMED = 3;

const BACK: Disposition = { kind: "requeue" };
/** To the end of the queue, as a copy: it counts as new there. */
const AGAIN: Disposition = { kind: "again", headers: {} };

/** What is said to Turn of a message that was taken and reached nobody. */
export const NOBODY_GOT_IT = "nobody got it: turn-channels handset has taken it off the queue";

/** The messages that wait in a queue, which stay there. */
export async function lookAtWaiting(
  broker: Browser,
  queue: string,
): Promise<readonly WaitingMessage[]> {
  const found: WaitingMessage[] = [];
  await broker.browse(queue, ({ body }) => {
    const { to_addr: address } = parseFields(body);
    found.push({ digest: digestOf(body), address: typeof address === "string" ? address : "" });
    return "keep";
  });
  return found;
}

/** For whom messages are, in words that show no whole address. */
export function forWhom(addresses: readonly string[]): string {
  const different = [...new Set(addresses)];
  const named = different.slice(0, MOST_NAMED).map(shortened);
  const more = different.length - named.length;
  const others = more === 0 ? [] : [more === 1 ? "1 other" : `${more} others`];
  const last = [...named, ...others].pop() ?? "nobody";
  const before = [...named, ...others].slice(0, -1);
  return before.length === 0 ? last : `${before.join(", ")} and ${last}`;
}

function shortened(address: string): string {
  if (address === "") return "somebody";
  return address.length > 8
    ? `${address.slice(0, 4)}…${address.slice(-2)}`
    : `…${address.slice(-2)}`;
}

interface OthersOptions {
  /** What waited when the program started. */
  readonly waited: readonly WaitingMessage[];
  /** What becomes of it; undefined as long as nobody has said so. */
  readonly decision?: Decision | undefined;
  /** What Turn is told of a message that fails. */
  readonly toldAs: string;
  /** Whether there is a phone for an address. */
  readonly isHere: (address: string) => boolean;
  readonly onChange: () => void;
  /** By the platform's timers, unless given. */
  readonly after?: After;
}

export type Decision = "take" | "leave";

/** One that is left in hand. */
interface Left {
  readonly address: string;
  readonly waited: boolean;
  readonly end: (how: "take" | "move") => void;
}

export class Others implements Disposable {
  readonly #options: OthersOptions;
  readonly #waited: ReadonlySet<string>;
  /** Ids of those that waited and were taken. */
  readonly #takenIds = new Set<string>();
  readonly #left = new Set<Left>();
  /** Those that go to the end now, by what is in them, in order, until their copies have come. */
  readonly #moved = new Set<string>();
  readonly #stop = new AbortController();
  #decision: Decision | undefined;
  #isGivenBack = false;
  #taken = 0;

  constructor(options: OthersOptions) {
    this.#options = options;
    this.#waited = new Set(options.waited.map(({ digest }) => digest));
    this.#decision = options.waited.length === 0 ? "leave" : options.decision;
  }

  /** Whether it was said what becomes of what waited. */
  get isDecided(): boolean {
    return this.#decision !== undefined;
  }

  /** Whether all was given back, as another program consumes the queue. */
  get isGivenBack(): boolean {
    return this.#isGivenBack;
  }

  get now(): OthersNow {
    const { waited } = this.#options;
    return {
      kind: "others",
      waited: waited.length,
      forWhom: forWhom(waited.map(({ address }) => address)),
      decision: this.#decision ?? null,
      taken: this.#taken,
      toldAs: this.#options.toldAs,
      left: this.#left.size,
      leftFor: forWhom([...this.#left].map(({ address }) => address)),
      isFull: this.#left.size >= MOST_LEFT,
      isGivenBack: this.#isGivenBack,
    };
  }

  decide(decision: Decision): void {
    this.#decision = decision;
    this.#options.onChange();
  }

  /** Whether it waited, and is taken all the same: no phone here is the one that it is for. */
  isTakenFromOthers(id: string): boolean {
    return this.#takenIds.has(id);
  }

  /** Leaves a message in the queue; undefined if it is to be taken. */
  sort(
    message: Message | null,
    arrival: BrokerMessage,
  ): Promise<Disposition | undefined> | undefined {
    const digest = digestOf(arrival.body);
    const isCopy = this.#hasCome(digest);
    const { message_id: id = "", to_addr: address = "" } = message ?? {};
    const waited = this.#waited.has(digest);
    if (waited && this.#decision === "take") {
      this.#takenIds.add(id);
      this.#taken++;
      this.#options.onChange();
      return undefined;
    }
    if (!waited && message !== null && this.#options.isHere(address)) return undefined;
    // What comes before the copies would be before what came before it.
    const isMoved = !isCopy && this.#moved.size > 0 || arrival.returns >= MOST_RETURNS;
    if (isMoved && !this.#stop.signal.aborted) return Promise.resolve(this.#move(arrival.body));
    return this.#leave(address, waited, arrival);
  }

  /** Whether messages are left for an address, or have waited. */
  isAnyFor(address: string): boolean {
    return [...this.#options.waited, ...this.#left].some((message) => message.address === address);
  }

  /** There is a new phone: what has come for it is taken. */
  lookAgain(): void {
    for (const left of this.#left) {
      if (!left.waited && this.#options.isHere(left.address)) left.end("take");
    }
  }

  /** Another program consumes the queue. */
  giveBack(): void {
    this.#isGivenBack = true;
    this[Symbol.dispose]();
    this.#options.onChange();
  }

  /** Gives back what is left in hand. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #leave(
    address: string,
    waited: boolean,
    { body, lost }: BrokerMessage,
  ): Promise<Disposition | undefined> {
    const { signal: stopping } = this.#stop;
    const ending = new AbortController();
    const { signal: ended } = ending;
    const left: Left = { address, waited, end: (how) => ending.abort(how) };
    this.#left.add(left);
    this.#options.onChange();
    await sleep(LEAVE_MS, AbortSignal.any([stopping, lost, ended]), this.#options.after);
    this.#left.delete(left);
    this.#options.onChange();
    if (ended.reason === "take") return undefined;
    if (stopping.aborted || lost.aborted) return BACK;
    // All that are left came after it, and so did those that go to the end already: they must not be
    // before its copy.
    if (!ended.aborted) {
      this.#moved.clear();
      for (const later of this.#left) later.end("move");
    }
    return this.#move(body);
  }

  /** Whether it is a copy. They are made in order: those before it have come, or will not. */
  #hasCome(digest: string): boolean {
    if (!this.#moved.has(digest)) return false;
    for (const moved of this.#moved) {
      this.#moved.delete(moved);
      if (moved === digest) break;
    }
    return true;
  }

  #move(body: Uint8Array): Disposition {
    this.#moved.add(digestOf(body));
    return AGAIN;
  }
}

/** By which the copy of a message is known, whether it can be read or not. */
function digestOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
