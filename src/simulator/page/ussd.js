// @ts-check
/// <reference lib="dom" />
/**
 * The USSD session of the phone that is seen: the network's window over all else.
 *
 * @module
 */

import { find, make } from "./dom.js";
import { act } from "./link.js";
import { isTooLong, sizeWords } from "./size.js";

/** @typedef {import("../handset/events.ts").Phone} Phone */
/** @typedef {import("../handset/events.ts").Session} Session */
/** @typedef {import("../handset/events.ts").MessageTrace} MessageTrace */
/** @typedef {import("../handset/events.ts").FlowWarning} FlowWarning */

/**
 * @typedef {object} Seen
 * @property {Session} session
 * @property {number} until
 * @property {number | null} waitsUntil Until when the network waits for a screen.
 * @property {number} lengthMs
 */

/** @type {Record<NonNullable<Session["endedBy"]>, string>} */
const ENDED = {
  service: "The service has ended the session.",
  user: "You have ended the session.",
  time: "Connection problem: the session has timed out.",
  silence: "Connection problem: no screen came in time.",
  loss: "Connection problem: the network has lost the session.",
};

const MOST_MESSAGES = 300;
const MOST_WARNINGS = 5;

export class Ussd {
  constructor() {
    /** @type {Map<string, Seen>} */
    this.sessions = new Map();
    /** @type {Map<string, MessageTrace>} Turn's messages that wait for a screen, or that the last ones show. */
    this.messages = new Map();
    /** @type {Set<string>} Sessions whose end was read. */
    this.closed = new Set();
    /** @type {Map<string, string[]>} What the flow did wrong, by the user's address. */
    this.warnings = new Map();
    this.warned = find("ussd-warnings", HTMLElement);
    this.address = "";
    this.sending = false;
    this.place = find("ussd", HTMLElement);
    this.answer = find("ussd-answer", HTMLInputElement);
    this.cancel = find("ussd-cancel", HTMLButtonElement);
    find("ussd-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.cancel.addEventListener("click", () => this.leave());
    this.place.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.leave();
    });
    setInterval(() => this.showTime(), 500);
  }

  /** @param {Phone} phone */
  take({ address, session }) {
    if (session === null) return;
    const before = this.sessions.get(address);
    const isSame = before?.session.id === session.id;
    // One that ended before this page was there is nobody's any more.
    if (!isSame && session.state === "ended") this.closed.add(session.id);
    this.sessions.set(address, {
      session,
      until: performance.now() + session.leftMs,
      waitsUntil: session.waitMs === null ? null : performance.now() + session.waitMs,
      lengthMs: isSame ? before.lengthMs : session.leftMs,
    });
  }

  /**
   * What was said is of the screen before. Not told by sessions, of which a page that is opened later
   * gets the last only.
   *
   * @param {string} address
   */
  userDoes(address) {
    this.warnings.delete(address);
    if (address === this.address) this.showWarnings();
  }

  /** @param {MessageTrace} trace */
  takeTrace(trace) {
    if (trace.flow !== "outbound") return;
    this.messages.delete(trace.id);
    if (trace.state === "held" || trace.screenId !== "") this.messages.set(trace.id, trace);
    const [oldest] = this.messages.keys();
    if (this.messages.size > MOST_MESSAGES && oldest !== undefined) this.messages.delete(oldest);
    if (trace.address === this.address) this.showMessages();
  }

  /** @param {FlowWarning} warning */
  takeWarning({ address, text, ussd }) {
    if (!ussd) return;
    this.warnings.set(address, [...this.warnings.get(address) ?? [], text].slice(-MOST_WARNINGS));
    if (address === this.address) this.showWarnings();
  }

  /** What was done wrong since the user did something last. */
  showWarnings() {
    const warnings = this.warnings.get(this.address) ?? [];
    this.warned.hidden = warnings.length === 0;
    const items = warnings.map((text) => make("li", { class: "warning" }, text));
    this.warned.replaceChildren(...items);
  }

  /** Which of Turn's messages wait for the screen, and which ones it shows. */
  showMessages() {
    const session = this.sessions.get(this.address)?.session;
    const ours = [...this.messages.values()].filter(({ address }) => address === this.address);
    const held = ours.filter(({ state }) => state === "held");
    const isOpen = session !== undefined && session.state !== "ended";
    find("ussd-held", HTMLElement).hidden = held.length === 0 || !isOpen;
    const count = held.length === 1 ? "1 message of Turn’s" : `${held.length} messages of Turn’s`;
    find("ussd-held-title", HTMLElement).textContent = `Held for the screen: ${count}`;
    const items = held.map(({ text, waitsForInput }) => {
      return make("li", { dir: "auto" }, waitsForInput ? `${text} (awaits input)` : text);
    });
    find("ussd-held-list", HTMLElement).replaceChildren(...items);
    const origin = find("ussd-origin", HTMLElement);
    const shown = ours.filter(({ screenId }) => screenId !== "" && screenId === session?.screenId);
    origin.textContent = originWords(shown);
    origin.hidden = origin.textContent === "" || session?.state === "waiting";
  }

  clear() {
    this.sessions.clear();
    this.messages.clear();
    this.warnings.clear();
    this.place.hidden = true;
  }

  /** @param {string} address */
  show(address) {
    const isOther = address !== this.address;
    this.address = address;
    const session = this.sessions.get(address)?.session;
    if (session === undefined || this.closed.has(session.id)) {
      if (!this.place.hidden) this.hide();
      return;
    }
    const wasIn = this.place.contains(document.activeElement) ||
      find("dial", HTMLElement).contains(document.activeElement);
    const step = `${session.id} ${session.state} ${session.screens}`;
    if (!isOther && !this.place.hidden && this.place.dataset.step === step) return;
    this.place.dataset.step = step;
    this.place.dataset.state = session.state;
    this.place.hidden = false;
    this.fill(session);
    this.showMessages();
    this.showWarnings();
    this.showTime();
    if (wasIn) (session.state === "asking" ? this.answer : this.cancel).focus();
  }

  /** @param {Session} session */
  fill({ code, state, text, size, endedBy }) {
    find("ussd-title", HTMLElement).textContent = code;
    const end = endedBy === null ? "" : ENDED[endedBy];
    const words = state === "waiting" ? "USSD code running …" : endedBy === "service" ? text : end;
    find("ussd-text", HTMLElement).textContent = words || text || end;
    const room = find("ussd-size", HTMLElement);
    room.textContent = sizeWords(size);
    room.classList.toggle("over", isTooLong(size));
    // Only of what the service says.
    room.hidden = text === "" || state === "waiting" || endedBy === "user" || endedBy === "time" ||
      endedBy === "silence" || endedBy === "loss";
    this.answer.value = "";
    this.answer.hidden = state !== "asking";
    find("ussd-send", HTMLButtonElement).hidden = state !== "asking";
    this.cancel.textContent = state === "ended" ? "OK" : "Cancel";
  }

  showTime() {
    const current = this.sessions.get(this.address);
    if (current === undefined || this.place.hidden) return;
    const leftMs = Math.max(0, current.until - performance.now());
    const isOpen = current.session.state !== "ended";
    const time = find("ussd-time", HTMLProgressElement);
    time.hidden = !isOpen;
    time.max = Math.max(1, current.lengthMs);
    time.value = leftMs;
    const { waitsUntil } = current;
    const waiting = find("ussd-wait", HTMLElement);
    waiting.hidden = waitsUntil === null || !isOpen;
    const waitSeconds = Math.ceil(Math.max(0, (waitsUntil ?? 0) - performance.now()) / 1_000);
    waiting.textContent = `The network waits ${waitSeconds} s more for a screen`;
    const seconds = Math.ceil(leftMs / 1_000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    find("ussd-left", HTMLElement).textContent = isOpen ? `${clock} left` : "";
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    await act({ do: "answer", address: this.address, text: this.answer.value });
    this.sending = false;
  }

  leave() {
    const session = this.sessions.get(this.address)?.session;
    if (session === undefined) return;
    this.closed.add(session.id);
    if (session.state !== "ended") void act({ do: "hangUp", address: this.address });
    this.hide();
  }

  hide() {
    const wasIn = this.place.contains(document.activeElement);
    this.place.hidden = true;
    if (wasIn) find("dial-code", HTMLInputElement).focus();
  }
}

/**
 * Whose screen it is.
 *
 * @param {readonly MessageTrace[]} shown
 */
function originWords(shown) {
  if (shown.some(({ isOwn }) => isOwn)) return "A screen of the bridge’s own";
  return shown.length > 1 ? `One screen of ${shown.length} messages of Turn’s` : "";
}
