// @ts-check
/// <reference lib="dom" />
/**
 * A row of people, of whom one is chosen; a dot tells that there is something new of another.
 *
 * @module
 */

import { button, make } from "./dom.js";

/** People by their addresses. */
export class People {
  /**
   * @param {HTMLElement} list
   * @param {(address: string) => void} chosen
   */
  constructor(list, chosen) {
    this.list = list;
    this.chosen = chosen;
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    this.current = "";
  }

  /** @param {string} address */
  add(address) {
    if (this.buttons.has(address)) return;
    const choice = button(address, () => this.choose(address), { class: "person" });
    this.buttons.set(address, choice);
    this.list.append(make("li", {}, choice));
    if (this.current === "") this.choose(address);
  }

  /** @param {string} address */
  choose(address) {
    this.buttons.get(this.current)?.removeAttribute("aria-current");
    this.current = address;
    const choice = this.buttons.get(address);
    choice?.setAttribute("aria-current", "true");
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
    this.list.replaceChildren();
    this.current = "";
  }
}
