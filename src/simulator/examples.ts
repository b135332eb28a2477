/**
 * The tour's messages: the examples of turn_channels_api.rst, and a few words over USSD.
 *
 * @module
 */

import type { UserAction } from "./transport.ts";

/** What Turn asks the bridge to send. */
export interface OutboundExample {
  readonly to: string;
  /** The bridge knows it of replies. */
  readonly from?: string;
  readonly turn: { readonly type: "text"; readonly text: { readonly body: string } };
  /** The bridge finds it by itself. */
  readonly reply_to?: string;
  readonly waiting_for_user_input?: boolean;
}

/** The number that the user writes to. */
export const NUMBER = "8110";

/** The code that the user on USSD dials. */
export const USSD_CODE = "*120*8864#";

const USER = "+26612345678";
const USSD_USER = "+26687654321";

/** The users of the tour. */
export const TOUR_USERS: readonly string[] = [USER, USSD_USER];

/** Turn's request in the text. */
export const OUTBOUND_EXAMPLE: OutboundExample = {
  to: USER,
  from: NUMBER,
  turn: { type: "text", text: { body: "Hello world!" } },
};

/** A question of Turn's to the user on USSD. */
export const USSD_QUESTION: OutboundExample = {
  to: USSD_USER,
  turn: { type: "text", text: { body: "Welcome! What is your name?" } },
  waiting_for_user_input: true,
};

/** The user opens a session on USSD. */
export const DIALLED: UserAction = {
  from_addr: USSD_USER,
  to_addr: USSD_CODE,
  transport_type: "ussd",
  session_event: "new",
};

/** The user writes `content`. */
export function texted(content: string): UserAction {
  return { from_addr: USER, to_addr: NUMBER, transport_type: "sms", content };
}
