// @ts-check
/// <reference lib="dom" />
/**
 * A row of people, of whom one is chosen and their thread of messages shown; a dot tells that there is
 * something new of another.
 *
 * @module
 */

import { button, make } from "./dom.js";

/** People by their addresses. */
export class People {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} place Where the thread is shown.
   * @param {(address: string) => void} chosen
   */
  constructor(list, place, chosen) {
    this.list = list;
    this.place = place;
    this.chosen = chosen;
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.threads = new Map();
    this.current = "";
  }

  /**
   * The thread of a person, who is added if need be.
   *
   * @param {string} address
   */
  thread(address) {
    const known = this.threads.get(address);
    if (known !== undefined) return known;
    const label = `Messages of ${address}`;
    const thread = make("div", { class: "thread", role: "log", "aria-label": label });
    this.threads.set(address, thread);
    const choice = button(address, () => this.choose(address), { class: "person" });
    this.buttons.set(address, choice);
    this.list.append(make("li", {}, choice));
    if (this.current === "") this.choose(address);
    return thread;
  }

  /** @param {string} address */
  choose(address) {
    this.buttons.get(this.current)?.removeAttribute("aria-current");
    this.current = address;
    this.place.replaceChildren(this.thread(address));
    this.buttons.get(address)?.setAttribute("aria-current", "true");
    this.note(address, false);
    this.chosen(address);
  }

  /**
   * @param {string} address
   * @param {boolean} isNew
   */
  note(address, isNew) {
    const choice = this.buttons.get(address);
    if (choice === undefined) return;
    choice.classList.toggle("new", isNew && address !== this.current);
    choice.title = choice.classList.contains("new") ? "Something new" : "";
  }

  clear() {
    this.buttons.clear();
    this.threads.clear();
    this.list.replaceChildren();
    this.place.replaceChildren();
    this.current = "";
  }
}
