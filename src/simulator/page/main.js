// @ts-check
/// <reference lib="dom" />
/**
 * The page: each part takes what concerns it.
 *
 * @module
 */

import { Bridge } from "./bridge.js";
import { find } from "./dom.js";
import { act, listen } from "./link.js";
import { Load } from "./load.js";
import { Others } from "./others.js";
import { Phones } from "./phone.js";
import { Turn } from "./turn.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */

const CLOCK_MS = 5_000;

const parts = [new Phones(), new Bridge(), new Load(), new Turn(), new Others()];

listen((event) => {
  for (const part of parts) part.take(event);
  showTop(event);
});

/** @param {PageEvent} event */
function showTop(event) {
  const caption = find("caption", HTMLElement);
  const words = caption.querySelector("p");
  if (event.kind === "hello") {
    document.body.classList.toggle("phone-only", !event.whole);
    document.title = `${event.connector}: the handset`;
    if (!event.whole) nameQueues(event.connector);
  } else if (event.kind === "settings") {
    find("tour", HTMLButtonElement).disabled = event.touring;
    if (event.touring) caption.hidden = false;
  } else if (event.kind === "caption" && words) {
    words.textContent = `${event.title}. ${event.text}`;
    caption.classList.remove("bad");
  } else if (event.kind === "verdict" && words) {
    const before = words.dataset.verdict === undefined ? "" : `${words.textContent} `;
    words.textContent = `${before}${event.good ? "✓" : "✗"} ${event.text}.`;
    words.dataset.verdict = "";
    if (!event.good) caption.classList.add("bad");
  }
  if (event.kind === "caption") delete words?.dataset.verdict;
}

/**
 * The bridge is elsewhere: only the queues before it are seen.
 *
 * @param {string} connector
 */
function nameQueues(connector) {
  find("bridge-title", HTMLElement).textContent = "Queues";
  find("bridge-about", HTMLElement).textContent = `Messages on the queues of ${connector}`;
  find("log-title", HTMLElement).textContent = "What is logged here";
}

find("tour", HTMLButtonElement).addEventListener("click", () => void act({ do: "tour" }));
find("caption", HTMLElement).querySelector("button")?.addEventListener("click", () => {
  find("caption", HTMLElement).hidden = true;
  find("tour", HTMLButtonElement).focus();
});

const panes = document.querySelectorAll(".panes button");
for (const pane of panes) {
  pane.addEventListener("click", () => {
    if (!(pane instanceof HTMLButtonElement)) return;
    document.body.dataset.pane = pane.dataset.to;
    for (const other of panes) other.removeAttribute("aria-current");
    pane.setAttribute("aria-current", "true");
    scrollTo(0, 0);
  });
}

function showClock() {
  const short = /** @type {const} */ ({ timeStyle: "short" });
  find("clock", HTMLElement).textContent = new Date().toLocaleTimeString([], short);
}
showClock();
setInterval(showClock, CLOCK_MS);
