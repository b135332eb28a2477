// @ts-check
/// <reference lib="dom" />
/**
 * The bridge: how it is, what it counts, what it logs, and what waits for a person.
 *
 * @module
 */

import { announce, append, button, find, make, timeOfDay } from "./dom.js";
import { act } from "./link.js";
import { Traces } from "./traces.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */
/** @typedef {import("../handset/events.ts").Health} Health */
/** @typedef {import("../handset/events.ts").Parked} Parked */
/** @typedef {import("../handset/events.ts").LogLine} LogLine */

const MOST_LINES = 200;

export class Bridge {
  constructor() {
    this.traces = new Traces();
    this.lines = 0;
    this.parkedTotal = 0;
    find("replay-all", HTMLButtonElement).addEventListener("click", () => {
      void act({ do: "replay", key: "all" });
    });
  }

  /** @param {PageEvent} event */
  take(event) {
    if (event.kind === "hello" && event.anew) this.clear();
    else if (event.kind === "trace") this.traces.take(event);
    else if (event.kind === "sample") this.traces.takeSample(event);
    else if (event.kind === "health") this.showHealth(event);
    else if (event.kind === "parked") this.showParked(event);
    else if (event.kind === "log") this.showLine(event);
  }

  clear() {
    this.traces.clear();
    this.lines = 0;
    find("log", HTMLElement).replaceChildren();
  }

  /** @param {Health} health */
  showHealth({ report, limits }) {
    const { health, components } = Object(report);
    const turn = Object(Object(components).turn);
    const isWaiting = health === "ok" && turn.health === "degraded";
    const pills = [
      isWaiting
        ? pill("Waits for Turn", "wait")
        : pill(healthWords(health), health === "ok" ? "good" : "bad"),
    ];
    if (typeof turn.breaker === "string") {
      const isClosed = turn.breaker === "closed";
      pills.push(pill(`Breaker ${turn.breaker}`, isClosed ? "good" : "bad"));
    }
    for (const [bucket, left, limit] of limits) {
      pills.push(pill(`Limit ${bucket}: ${left} of ${limit} left`, left === 0 ? "wait" : "good"));
    }
    find("health", HTMLElement).replaceChildren(...pills);
  }

  /** @param {Parked} parked */
  showParked({ total, messages }) {
    const place = find("parked", HTMLElement);
    place.hidden = total === 0;
    const title = total === 1 ? "1 message is parked" : `${total} messages are parked`;
    find("parked-title", HTMLElement).textContent = title;
    if (total > this.parkedTotal) announce(title);
    this.parkedTotal = total;
    const items = messages.map(({ key, queue, title, reason }) => {
      const words = make("p", { class: "parked-words" }, make("b", {}, title), ` ${reason}`);
      words.title = queue;
      const replay = button("Replay", () => void act({ do: "replay", key }), {
        class: "tiny",
        "aria-label": `Replay the message of ${title}`,
      });
      return make("li", {}, words, replay);
    });
    place.querySelector("ul")?.replaceChildren(...items);
  }

  /** @param {LogLine} line */
  showLine({ level, text, at }) {
    const list = find("log", HTMLElement);
    append(list, make("li", { class: level.toLowerCase() }, `${timeOfDay(at)} ${level} ${text}`));
    if (list.children.length > MOST_LINES) list.firstChild?.remove();
    find("log-count", HTMLElement).textContent = `(${++this.lines})`;
  }
}

/** @param {unknown} health */
function healthWords(health) {
  if (health === "ok") return "Healthy";
  return health === undefined || health === null ? "No answer yet" : `Health: ${health}`;
}

/**
 * @param {string} text
 * @param {"good" | "bad" | "wait"} tone
 */
function pill(text, tone) {
  return make("li", { class: `pill ${tone}` }, text);
}
