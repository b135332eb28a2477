// What was said at each phone, and what Turn has sent where it runs here: to be read by people, or as JSON
// from which `preview` and tests make the same screens again.

import type { SimulatedTurn, TurnRequest } from "../simulated_turn.ts";
import type { Happening, NetworkLimits } from "./events.ts";
import type { Journal } from "./journal.ts";

/** Says what the JSON is. */
export const TRANSCRIPT = "turn-channels/1";

interface TranscriptsOptions {
  readonly journal: Journal;
  readonly connector: string;
  readonly network: () => NetworkLimits;
  /** If Turn runs here. */
  readonly turn?: SimulatedTurn;
}

export interface Transcript {
  readonly transcript: typeof TRANSCRIPT;
  readonly connector: string;
  readonly phone: string;
  readonly network: Omit<NetworkLimits, "id" | "name">;
  readonly entries: readonly Entry[];
}

/** What was said, in order; `at` is a time as in ISO 8601. */
export type Entry =
  | {
    readonly at: string;
    readonly by: "user" | "service" | "network" | "warning";
    readonly medium: "ussd" | "sms";
    readonly text: string;
  }
  | {
    readonly at: string;
    readonly by: "turn";
    readonly turn: unknown;
    readonly content?: string;
    readonly waiting_for_user_input: boolean;
    /** What the bridge has answered; null as long as it has not. */
    status: number | null;
  };

const MOST_ENTRIES = 500;
const MOST_PHONES = 200;

export class Transcripts implements Disposable {
  readonly #options: TranscriptsOptions;
  readonly #entries = new Map<string, Entry[]>();
  readonly #watches = new DisposableStack();

  constructor(options: TranscriptsOptions) {
    this.#options = options;
    this.#watches.use(options.journal.watch({ added: (happening) => this.#hear(happening) }));
    const { turn } = options;
    if (turn === undefined) return;
    this.#watches.use(turn.watch({
      asks: (request, answered) => {
        const entry = asked(request);
        this.#of(request.body.to).push(entry);
        void answered.then(({ status = null }) => entry.status = status);
      },
    }));
  }

  /** Of a phone where nothing was said it has no entries. */
  of(phone: string): Transcript {
    const { connector, network } = this.#options;
    const { pageChars, waitSeconds } = network();
    return {
      transcript: TRANSCRIPT,
      connector,
      phone,
      network: { pageChars, waitSeconds },
      entries: this.#entries.get(phone) ?? [],
    };
  }

  [Symbol.dispose](): void {
    this.#watches.dispose();
  }

  #hear(happening: Happening): void {
    if (happening.kind !== "said" && happening.kind !== "warning") return;
    const { address, text, ussd } = happening;
    const entries = this.#of(address);
    entries.push({
      at: new Date(happening.at).toISOString(),
      by: happening.kind === "warning" ? "warning" : happening.by,
      medium: ussd ? "ussd" : "sms",
      text,
    });
  }

  /** Its end is what was said last; there is always room for more. */
  #of(phone: string): Entry[] {
    const entries = this.#entries.get(phone) ?? [];
    this.#entries.set(phone, entries);
    if (this.#entries.size > MOST_PHONES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined && oldest !== phone) this.#entries.delete(oldest);
    }
    if (entries.length >= MOST_ENTRIES) entries.shift();
    return entries;
  }
}

function asked({ body }: TurnRequest): Extract<Entry, { by: "turn" }> {
  const { turn, content, waiting_for_user_input = false } = body;
  const at = new Date().toISOString();
  return { at, by: "turn", turn, ...content && { content }, waiting_for_user_input, status: null };
}

const WHO = {
  user: "You",
  service: "Service",
  network: "Network",
  warning: "Warning",
  turn: "Turn sent",
};

/** The same for people. */
export function formatTranscript({ connector, phone, network, entries }: Transcript): string {
  const { pageChars, waitSeconds } = network;
  const lines = entries.map((entry) => {
    const text = entry.by === "turn" ? turnWords(entry) : entry.text;
    const medium = entry.by === "turn" ? "" : ` (${entry.medium.toUpperCase()})`;
    return `${entry.at.slice(11, 19)} ${WHO[entry.by]}${medium}: ${
      text.replaceAll("\n", "\n  ")
    }\n`;
  });
  const head =
    `${phone} on ${connector}, ${entries[0]?.at.slice(0, 10) ?? "nothing was said"} UTC\n` +
    `Operator: ${pageChars} characters a screen, waits ${waitSeconds} s\n\n`;
  return head + lines.join("");
}

function turnWords({ turn, status }: Extract<Entry, { by: "turn" }>): string {
  const type = String(Object(turn).type);
  return status === 200 ? type : `${type}, answered ${status ?? "with nothing"}`;
}
