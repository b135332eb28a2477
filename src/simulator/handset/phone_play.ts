// What the page shows and does with phones only, for a bridge and a Turn that run elsewhere: it puts
// messages on the connector's queues, and shows what it takes off them.

import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Hello, Now, Settings } from "./events.ts";
import { Journal } from "./journal.ts";
import { MessageTraces } from "./message_traces.ts";
import { PhoneError, Phones } from "./phones.ts";
import type { Play } from "./server.ts";

interface PhonePlayOptions extends Pick<Hello, "connector" | "number" | "ussdCode"> {
  readonly transport: Transport;
  readonly ussdTimeoutMs: number;
  readonly user: string;
}

export class PhonePlay implements Play, Disposable {
  readonly journal: Journal = new Journal();
  readonly hello: Omit<Hello, "anew">;
  readonly #phones: Phones;
  readonly #traces: MessageTraces;

  constructor(options: PhonePlayOptions) {
    const { transport, connector, number, ussdCode, ussdTimeoutMs, user } = options;
    const { journal } = this;
    this.hello = { kind: "hello", whole: false, number, ussdCode, connector };
    // Before the phones, which report what becomes of a message as soon as it comes.
    this.#traces = new MessageTraces({ transport, journal });
    this.#phones = new Phones({ transport, journal, number, ussdTimeoutMs });
    this.#phones.add(user);
  }

  now(): readonly Now[] {
    return [this.#settings, ...this.#phones.all];
  }

  async act(action: Action): Promise<void> {
    if (!await this.#phones.act(action)) {
      throw new PhoneError("Turn and the bridge do not run here");
    }
    this.journal.tell(this.#settings);
  }

  [Symbol.dispose](): void {
    this.#phones[Symbol.dispose]();
    this.#traces[Symbol.dispose]();
  }

  get #settings(): Settings {
    const reports = this.#phones.reportsByItself;
    return {
      kind: "settings",
      turnAnswers: "200",
      turnReplies: false,
      reports,
      load: 0,
      touring: false,
    };
  }
}
