// What the page shows and does with phones only, for a bridge and a Turn that run elsewhere: it puts
// messages on the connector's queues, and shows what it takes off them.

import { USSD_CODE } from "../tour_messages.ts";
import type { Transport } from "../transport.ts";
import type { Action } from "./actions.ts";
import type { Settings } from "./events.ts";
import { Journal } from "./journal.ts";
import { MessageTraces } from "./message_traces.ts";
import { Phones } from "./phones.ts";
import type { Play } from "./server.ts";

const USER = "+26612345678";

/** @param number The service's, for SMS. */
export function phonePlay(transport: Transport, number: string): Play & Disposable {
  const journal = new Journal();
  // Before the phones, which report what becomes of a message as soon as it comes.
  const traces = new MessageTraces({ transport, journal });
  const phones = new Phones({ transport, journal, number });
  phones.add(USER);
  const settings = (): Settings => {
    const turn = {
      turnAnswers: "200",
      turnReplies: false,
      turnDelay: 0,
      turnMessages: 1,
    } as const;
    return { kind: "settings", ...turn, reports: phones.reportsByItself, load: 0, touring: false };
  };
  return {
    journal,
    hello: { whole: false, number, ussdCode: USSD_CODE, connector: transport.connector },
    now: () => [settings(), ...phones.all],
    async act(action: Action): Promise<void> {
      await phones.act(action);
      journal.tell(settings());
    },
    [Symbol.dispose](): void {
      phones[Symbol.dispose]();
      traces[Symbol.dispose]();
    },
  };
}
