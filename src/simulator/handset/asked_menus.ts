// What Turn has offered users to choose, so that a choice that comes back can be named.

import { LRUCache } from "lru-cache";
import type { SentOption } from "../sent_message.ts";
import type { ChoiceContent } from "../turn_schemas.ts";

const REMEMBERED = 2_000;

export class AskedMenus {
  /** The ids of the options, by the id that Turn was given for the message. */
  readonly #offered = new LRUCache<string, readonly string[]>({ max: REMEMBERED });

  add(messageId: string, options: readonly SentOption[]): void {
    if (options.length > 0) this.#offered.set(messageId, options.map(({ id }) => id));
  }

  /** Which option it is, and as what Turn was told of it. */
  describe({ as, id, title, contextId }: ChoiceContent): string {
    const ids = this.#offered.get(contextId) ?? [];
    const index = ids.indexOf(id);
    if (index >= 0) return `picked ${index + 1} of ${ids.length} as ${as}`;
    // A quick reply that is sent without a payload has its title for one, which only WhatsApp knows.
    const mayBe = ids.includes("");
    return `picked ${title} as ${as}${mayBe ? "" : ", which was not offered from here"}`;
  }
}
