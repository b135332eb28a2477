// @ts-check
/// <reference lib="dom" />
/**
 * The connection to the server: what happens comes in, what is done goes out. A lost connection is
 * taken up where it broke off.
 *
 * @module
 */

import { find } from "./dom.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */
/** @typedef {import("../handset/actions.ts").Action} Action */

const RETRY_MS = 1_000;
const TOAST_MS = 6_000;

/**
 * Listens for as long as the page is there.
 *
 * @param {(event: PageEvent) => void} take
 */
export function listen(take) {
  let lastId = "";
  const open = () => {
    const source = new EventSource(`/events?after=${encodeURIComponent(lastId)}`);
    source.onopen = () => show("ok", "Live");
    source.onmessage = ({ data, lastEventId }) => {
      lastId = lastEventId;
      take(JSON.parse(data));
    };
    source.onerror = () => {
      show("lost", "Connection lost, trying again …");
      // It comes back by itself, but for when it was answered with an error.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, RETRY_MS);
    };
  };
  open();
}

/**
 * @param {"ok" | "lost"} state
 * @param {string} text
 */
function show(state, text) {
  const link = find("link", HTMLElement);
  link.dataset.state = state;
  link.textContent = text;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastTimer;

/**
 * Does something. What keeps it from being done is shown.
 *
 * @param {Action} action
 * @returns {Promise<boolean>} Whether it was done.
 */
export async function act(action) {
  try {
    const response = await fetch("/do", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(action),
    });
    if (response.ok) return true;
    const { message } = await response.json();
    toast(`${message}.`);
  } catch {
    toast("The server can't be reached.");
  }
  return false;
}

/** @param {string} text */
export function toast(text) {
  const element = find("toast", HTMLElement);
  element.textContent = text;
  element.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => element.hidden = true, TOAST_MS);
}
