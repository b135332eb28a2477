// @ts-check
/// <reference lib="dom" />
/**
 * Turn, played: contacts, what they wrote, what is answered, and how Turn takes the bridge's calls.
 *
 * @module
 */

import { Composer } from "./composer.js";
import { find, make, sendOnEnter, timeOfDay } from "./dom.js";
import { act } from "./link.js";
import { People } from "./people.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */
/** @typedef {import("../handset/events.ts").MessageTrace} MessageTrace */
/** @typedef {import("../handset/events.ts").TurnMode} TurnMode */

/** @type {Record<TurnMode, string>} */
const MEANS = {
  200: "All is well: what users write arrives here.",
  429: "Too many calls. The bridge waits as long as Turn asks for.",
  500: "Turn is broken. The bridge tries again, and keeps what it can't deliver.",
  400: "Turn refuses. Trying again would not help, so the bridge parks the message.",
  none: "Turn takes calls and never answers. The bridge gives up after 10 s, and tries again.",
};

const MOST_REPLIES = 12;
/** Waits for the slider to rest, so that not each step on the way is sent. */
const REST_MS = 120;

export class Turn {
  constructor() {
    /** @type {Map<string, { id: string, text: string }[]>} What contacts wrote last, the latest first. */
    this.wrote = new Map();
    /** @type {Map<string, HTMLElement>} Items by the trace that they are. */
    this.items = new Map();
    /** @type {Map<string, HTMLElement>} What is said of a message, by its id. */
    this.statuses = new Map();
    this.delay = find("delay", HTMLInputElement);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.delayTimer = undefined;
    this.people = new People(
      find("contacts", HTMLElement),
      find("conversation-place", HTMLElement),
      (address) => this.showForm(address),
    );
    this.listenForms();
    this.clear();
  }

  /** @param {PageEvent} event */
  take(event) {
    if (event.kind === "hello" && event.anew) this.clear();
    else if (event.kind === "trace") this.takeTrace(event.trace);
    else if (event.kind === "settings") {
      find("replies", HTMLInputElement).checked = event.turnReplies;
      find("mode-means", HTMLElement).textContent = MEANS[event.turnAnswers];
      const mode = document.querySelector(`input[name="mode"][value="${event.turnAnswers}"]`);
      if (mode instanceof HTMLInputElement) mode.checked = true;
      const count = document.querySelector(`input[name="count"][value="${event.turnMessages}"]`);
      if (count instanceof HTMLInputElement) count.checked = true;
      if (this.delayTimer === undefined) {
        this.delay.value = String(event.turnDelay);
        this.showDelay(event.turnDelay);
      }
      find("answers", HTMLElement).dataset.mode = event.turnAnswers;
    }
  }

  clear() {
    this.wrote.clear();
    this.items.clear();
    this.statuses.clear();
    this.people.clear();
    find("turn", HTMLElement).classList.add("no-contacts");
  }

  /** @param {MessageTrace} trace */
  takeTrace(trace) {
    const { flow, state, address, messageId, note } = trace;
    if (flow === "status") {
      const status = this.statuses.get(messageId);
      if (state === "done" && status !== undefined) status.textContent = ` · ${note}`;
    } else if (flow === "inbound") {
      if (state === "done" && !this.items.has(trace.id)) this.add(trace);
    } else if (address !== "" && !trace.isOwn) {
      if (!this.items.has(trace.id)) this.add(trace);
      this.showOutcome(trace);
    }
  }

  /** @param {MessageTrace} trace */
  add(trace) {
    const { id, flow, address, at, waitsForInput, told } = trace;
    const isUser = flow === "inbound";
    // It may be other than what the user wrote.
    const text = told?.text ?? trace.text;
    const choice = told?.choice ? ` · ${told.choice}` : "";
    const outcome = make("span", { class: "outcome" }, choice);
    const item = make(
      "div",
      { class: `said ${isUser ? "user" : "service"}` },
      make("span", { class: "unseen" }, isUser ? "Contact: " : "Turn: "),
      make("p", { class: "words", dir: "auto" }, text),
      make("p", { class: "meta" }, timeOfDay(at), waitsForInput ? " · awaits input" : "", outcome),
    );
    this.items.set(id, item);
    this.people.thread(address).append(item);
    find("turn", HTMLElement).classList.remove("no-contacts");
    this.people.note(address, isUser);
    if (!isUser) return;
    const wrote = [{ id, text }, ...this.wrote.get(address) ?? []];
    this.wrote.set(address, wrote.slice(0, MOST_REPLIES));
    if (address === this.people.current) this.showReplies();
  }

  /** @param {MessageTrace} trace */
  showOutcome({ id, state, note, messageId }) {
    const item = this.items.get(id);
    const outcome = item?.querySelector(".outcome");
    if (!item || !(outcome instanceof HTMLElement)) return;
    item.classList.toggle("failed", state === "refused");
    if (state === "refused") outcome.textContent = ` · the bridge said ${note}`;
    else if (state === "not_shown") outcome.textContent = ` · accepted, ${note}`;
    else if (messageId === "") outcome.textContent = " · asking";
    else {
      const isNew = !this.statuses.has(messageId);
      // What Turn is told of it comes in its place.
      this.statuses.set(messageId, outcome);
      if (state === "held") outcome.textContent = " · accepted, held for the screen";
      else if (state === "late") outcome.textContent = ` · too late for its screen: ${note}`;
      else if (isNew) outcome.textContent = " · accepted";
    }
  }

  /** @param {number} seconds */
  showDelay(seconds) {
    const words = seconds === 0 ? "at once" : `after ${seconds} s`;
    find("delay-value", HTMLOutputElement).textContent = words;
    this.delay.setAttribute("aria-valuetext", words);
  }

  /** @param {string} address */
  showForm(address) {
    find("send-label", HTMLElement).textContent = `To ${address}`;
    this.showReplies();
  }

  showReplies() {
    const select = find("send-reply", HTMLSelectElement);
    const { value } = select;
    const wrote = this.wrote.get(this.people.current) ?? [];
    select.replaceChildren(
      make("option", { value: "" }, "none: the user's latest message"),
      ...wrote.map(({ id, text }) => make("option", { value: id }, text.slice(0, 40) || id)),
      make("option", { value: "unknown-to-the-bridge" }, "an unknown message"),
    );
    select.value = value;
    if (select.selectedIndex < 0) select.value = "";
  }

  listenForms() {
    const text = find("send-text", HTMLTextAreaElement);
    const composer = new Composer();
    sendOnEnter(text);
    find("send", HTMLFormElement).addEventListener("submit", async (event) => {
      event.preventDefault();
      const written = text.value;
      const composed = composer.take();
      const done = await act({
        do: "send",
        to: this.people.current,
        ...composed,
        waits: find("send-waits", HTMLInputElement).checked,
        replyTo: find("send-reply", HTMLSelectElement).value,
        badSignature: find("send-bad", HTMLInputElement).checked,
      });
      if (!done) text.value ||= written;
    });
    for (const radio of document.querySelectorAll('input[name="mode"]')) {
      radio.addEventListener("change", () => {
        if (!(radio instanceof HTMLInputElement)) return;
        const mode = /** @type {TurnMode} */ (radio.value);
        void act({ do: "setTurnAnswers", mode });
      });
    }
    for (const radio of document.querySelectorAll('input[name="count"]')) {
      radio.addEventListener("change", () => {
        if (!(radio instanceof HTMLInputElement)) return;
        void act({ do: "setTurnMessages", count: Number(radio.value) });
      });
    }
    this.delay.addEventListener("input", () => {
      const seconds = Number(this.delay.value);
      this.showDelay(seconds);
      clearTimeout(this.delayTimer);
      this.delayTimer = setTimeout(() => {
        this.delayTimer = undefined;
        void act({ do: "setTurnDelay", seconds });
      }, REST_MS);
    });
    const replies = find("replies", HTMLInputElement);
    replies.addEventListener(
      "change",
      () => void act({ do: "setTurnReplies", on: replies.checked }),
    );
  }
}
