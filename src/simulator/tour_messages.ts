// What is said on the tour: the examples of turn_channels_api.rst, and two menus.

import type { RequestBody } from "./simulated_turn.ts";
import type { UserAction } from "./transport.ts";

export const NUMBER = "8110";

export const USSD_CODE = "*120*8864#";

const USER = "+26612345678";
const USSD_USER = "+26687654321";

export const TOUR_USERS: readonly string[] = [USER, USSD_USER];

/** What Turn sends, and what the phone shows then. */
export interface Said {
  readonly request: RequestBody;
  readonly shown: string;
}

/** What a user does, and what Turn gets of it: its type, and what that has. */
export interface Done {
  readonly action: UserAction;
  readonly told: Readonly<Record<string, unknown>>;
}

export const WRITTEN: Done = {
  action: bySms("Hello world!"),
  told: { type: "text", text: { body: "Hello world!" } },
};

export const ANSWER: Said = {
  request: {
    to: USER,
    from: NUMBER,
    turn: { type: "text", text: { body: "Hello world!" } },
  },
  shown: "Hello world!",
};

const MONDAY = { id: "mon", title: "Monday", description: "at nine" };
const FRIDAY = { id: "fri", title: "Friday", description: "at noon" };

export const LIST: Said = {
  request: {
    to: USER,
    turn: {
      type: "interactive",
      interactive: {
        type: "list",
        body: { text: "When will you come?" },
        action: { button: "Days", sections: [{ rows: [MONDAY, FRIDAY] }] },
      },
    },
    waiting_for_user_input: true,
  },
  shown: "When will you come?\n1. Monday - at nine\n2. Friday - at noon",
};

export const WORD: Done = {
  action: bySms("friday"),
  told: { type: "interactive", interactive: { type: "list_reply", list_reply: FRIDAY } },
};

export const DIALLED: Done = {
  action: onUssd({ session_event: "new" }),
  told: { type: "text", text: { body: USSD_CODE } },
};

const GREETING = "Welcome!";

/** Comes before the buttons, which asks nothing. */
export const WELCOME: RequestBody = {
  to: USSD_USER,
  turn: { type: "text", text: { body: GREETING } },
};

const WELL = { id: "well", title: "Well" };
const NOT_SO_WELL = { id: "ill", title: "Not so well" };

export const BUTTONS: Said = {
  request: {
    to: USSD_USER,
    turn: {
      type: "interactive",
      interactive: {
        type: "button",
        body: { text: "How are you?" },
        action: {
          buttons: [WELL, NOT_SO_WELL].map((reply) => ({ type: "reply", reply })),
        },
      },
    },
    waiting_for_user_input: true,
  },
  shown: `${GREETING}\nHow are you?\n1. Well\n2. Not so well`,
};

export const DIGIT: Done = {
  action: onUssd({ session_event: "resume", content: "2" }),
  told: {
    type: "interactive",
    interactive: { type: "button_reply", button_reply: NOT_SO_WELL },
  },
};

export const GOODBYE: Said = {
  request: { to: USSD_USER, turn: { type: "text", text: { body: "Get well soon. Goodbye!" } } },
  shown: "Get well soon. Goodbye!",
};

function bySms(content: string): UserAction {
  return { from_addr: USER, to_addr: NUMBER, transport_type: "sms", content };
}

function onUssd(action: Pick<UserAction, "session_event" | "content">): UserAction {
  return { from_addr: USSD_USER, to_addr: USSD_CODE, transport_type: "ussd", ...action };
}
