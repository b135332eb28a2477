// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Elements, made and found. Texts get in as texts only.
 *
 * @module
 */

/** @typedef {string | Node | null | undefined} Child */

/**
 * Makes an element. `class`, `dir` and the like are attributes; a value that is undefined or false is
 * left out.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean | undefined>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * A button that does something.
 *
 * @param {string} text
 * @param {() => void} press
 * @param {Record<string, string | undefined>} [attributes]
 */
export function button(text, press, attributes = {}) {
  const element = make("button", { type: "button", ...attributes }, text);
  element.addEventListener("click", press);
  return element;
}

/**
 * The element with an id, which must be there and of that kind.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new TypeError(`There is no such ${kind.name}: ${id}`);
}

/**
 * With seconds: on a phone's network they matter.
 *
 * @param {number} at Milliseconds since 1970.
 */
export function timeOfDay(at) {
  return new Date(at).toLocaleTimeString([], { timeStyle: "medium" });
}

/**
 * Lets Enter send a form in whose text area it is pressed, and Shift-Enter begin a line.
 *
 * @param {HTMLTextAreaElement} area
 */
export function sendOnEnter(area) {
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    area.form?.requestSubmit();
  });
}

/**
 * Adds to a list that scrolls, and scrolls on if its end was in sight.
 *
 * @param {HTMLElement} list
 * @param {Node} item
 */
export function append(list, item) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

/**
 * Says something to those who listen to the page.
 *
 * @param {string} text
 */
export function announce(text) {
  find("announcer", HTMLElement).textContent = text;
}
