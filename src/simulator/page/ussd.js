// @ts-check
/// <reference lib="dom" />
/**
 * The USSD session of the phone that is seen: the network's window over all else.
 *
 * @module
 */

import { find } from "./dom.js";
import { act } from "./link.js";
import { isTooLong, sizeWords } from "./size.js";

/** @typedef {import("../handset/events.ts").Phone} Phone */
/** @typedef {import("../handset/events.ts").Session} Session */

/** @type {Record<NonNullable<Session["endedBy"]>, string>} */
const ENDED = {
  service: "The service has ended the session.",
  user: "You have ended the session.",
  time: "Connection problem: the session has timed out.",
};

export class Ussd {
  constructor() {
    /** @type {Map<string, { session: Session, until: number, lengthMs: number }>} */
    this.sessions = new Map();
    /** @type {Set<string>} Sessions whose end was read. */
    this.closed = new Set();
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
      lengthMs: isSame ? before.lengthMs : session.leftMs,
    });
  }

  clear() {
    this.sessions.clear();
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
    room.hidden = text === "" || state === "waiting" || endedBy === "user" || endedBy === "time";
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
