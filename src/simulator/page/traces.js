// @ts-check
/// <reference lib="dom" />
/**
 * The messages on their way through the bridge: a card each, which opens to show every step.
 *
 * @module
 */

import { find, make, timeOfDay } from "./dom.js";

/** @typedef {import("../handset/events.ts").TraceEvent} TraceEvent */
/** @typedef {import("../handset/events.ts").MessageTrace} MessageTrace */
/** @typedef {import("../handset/events.ts").TraceStep} TraceStep */
/** @typedef {import("../handset/events.ts").Sample} Sample */

/**
 * @typedef {object} Card
 * @property {MessageTrace} trace
 * @property {TraceStep[]} steps
 * @property {HTMLElement} item
 * @property {HTMLDetailsElement} details
 */

const MOST_CARDS = 150;

/** @type {Record<MessageTrace["flow"], { arrow: string, words: string }>} */
const FLOWS = {
  inbound: { arrow: "→", words: "Inbound, from the user to Turn" },
  outbound: { arrow: "←", words: "Outbound, from Turn to the user" },
  status: { arrow: "⇢", words: "Status, to Turn" },
};

/** @type {Record<MessageTrace["state"], { words: string, tone: string }>} */
const STATES = {
  waiting: { words: "on its way", tone: "wait" },
  retrying: { words: "trying again", tone: "wait" },
  held: { words: "held", tone: "wait" },
  late: { words: "too late", tone: "bad" },
  done: { words: "delivered", tone: "good" },
  skipped: { words: "not for Turn", tone: "plain" },
  paged: { words: "next page", tone: "plain" },
  not_shown: { words: "not shown", tone: "plain" },
  refused: { words: "refused", tone: "bad" },
  parked: { words: "parked", tone: "bad" },
};

export class Traces {
  constructor() {
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    this.list = find("traces", HTMLElement);
    this.gone = nothing();
    /** What load has written, and what of it Turn does not have yet. */
    this.load = nothing();
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("focusin", ({ target }) => {
      const item = target instanceof Element ? target.closest("li.trace") : null;
      if (item instanceof HTMLElement) this.stopAt(item);
    });
  }

  /** @param {Sample} sample */
  takeSample({ sentInAll, between }) {
    const delivered = sentInAll - between;
    this.load = { ...nothing(), written: sentInAll, delivered, underWay: between };
    this.showSums();
  }

  /** @param {TraceEvent} event */
  take({ trace, step }) {
    const card = this.cards.get(trace.id) ?? this.open(trace);
    card.trace = trace;
    if (step !== undefined) card.steps.push(step);
    card.item.dataset.state = trace.state;
    card.details.querySelector("summary")?.replaceChildren(...summary(trace));
    if (card.details.open) showSteps(card);
    find("no-traces", HTMLElement).hidden = true;
    this.showSums();
  }

  /**
   * The arrow keys go from message to message; all of them are one stop of the tab key.
   *
   * @param {KeyboardEvent} event
   */
  move(event) {
    const { target, key } = event;
    if (!(target instanceof HTMLElement) || !target.matches("summary")) return;
    const items = [...this.list.children];
    const at = items.findIndex((item) => item.contains(target));
    const last = items.length - 1;
    /** @type {Record<string, number>} */
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last };
    const next = items[Math.min(last, Math.max(0, places[key] ?? -1))];
    if (places[key] === undefined || !(next instanceof HTMLElement)) return;
    event.preventDefault();
    next.querySelector("summary")?.focus();
  }

  /**
   * The message to which the tab key comes.
   *
   * @param {Element | null} item
   */
  stopAt(item) {
    for (const other of this.list.querySelectorAll('summary[tabindex="0"]')) {
      other.setAttribute("tabindex", "-1");
    }
    item?.querySelector("summary")?.setAttribute("tabindex", "0");
  }

  clear() {
    this.cards.clear();
    this.gone = nothing();
    this.load = nothing();
    this.list.replaceChildren();
    find("no-traces", HTMLElement).hidden = false;
    this.showSums();
  }

  /** @param {MessageTrace} trace */
  open(trace) {
    const details = make(
      "details",
      {},
      make("summary", { tabindex: "-1" }),
      make("ol", { class: "steps" }),
    );
    const item = make("li", { class: "trace" }, details);
    item.dataset.flow = trace.flow;
    item.dataset.id = trace.id;
    /** @type {Card} */
    const card = { trace, steps: [], item, details };
    details.addEventListener("toggle", () => showSteps(card));
    this.cards.set(trace.id, card);
    this.list.prepend(item);
    if (this.list.children.length > MOST_CARDS) {
      this.forget(this.list.lastElementChild);
    }
    // Not while the keys are at another one.
    if (!this.list.contains(document.activeElement)) this.stopAt(item);
    return card;
  }

  /** @param {Element | null} item */
  forget(item) {
    const id = item instanceof HTMLElement ? item.dataset.id ?? "" : "";
    const card = this.cards.get(id);
    // It stays counted as what it was.
    if (card !== undefined) count(this.gone, card.trace);
    this.cards.delete(id);
    const hasStop = item?.querySelector('summary[tabindex="0"]') !== null;
    item?.remove();
    if (hasStop) this.stopAt(this.list.firstElementChild);
  }

  showSums() {
    const { gone, load } = this;
    const sums = {
      written: gone.written + load.written,
      delivered: gone.delivered + load.delivered,
      underWay: gone.underWay + load.underWay,
      parked: gone.parked + load.parked,
    };
    for (const { trace } of this.cards.values()) count(sums, trace);
    find("sums", HTMLElement).replaceChildren(
      ...sum("written", sums.written),
      ...sum("with Turn", sums.delivered),
      ...sum("under way", sums.underWay),
      ...sum("parked", sums.parked),
    );
  }
}

function nothing() {
  return { written: 0, delivered: 0, underWay: 0, parked: 0 };
}

/**
 * @param {ReturnType<typeof nothing>} sums
 * @param {MessageTrace} trace
 */
function count(sums, { flow, state }) {
  if (flow !== "inbound" || state === "skipped" || state === "paged") return;
  sums.written++;
  if (state === "done") sums.delivered++;
  else if (state === "parked") sums.parked++;
  else sums.underWay++;
}

/**
 * @param {string} words
 * @param {number} count
 */
function sum(words, count) {
  return [make("div", {}, make("dt", {}, words), make("dd", {}, String(count)))];
}

/** @param {MessageTrace} trace */
function summary(trace) {
  const { flow, address, text, state, note, attempts, tookMs, isOwn, screenId } = trace;
  const { arrow, words } = FLOWS[flow];
  const { words: outcome, tone } = STATES[state];
  const isDone = state === "done";
  const tries = attempts > 1 ? [`${attempts} tries`] : [];
  // Of a screen it is said what was on it.
  const said = isOwn || screenId !== "" ? [note] : toldWords(trace);
  const news = isDone ? said : [note, ...tries].filter((piece) => piece !== "");
  const took = [...(tookMs === null ? [] : [formatMs(tookMs)]), ...tries].join(", ");
  return [
    make("span", { class: "arrow", "aria-hidden": "true" }, arrow),
    make("span", { class: "unseen" }, words),
    make("span", { class: "who" }, address || "somebody"),
    make("span", { class: "text", dir: "auto" }, text),
    news.length > 0 ? make("span", { class: "note" }, news.join(", ")) : null,
    make(
      "span",
      { class: `state ${isDone ? "" : `pill ${tone}`}` },
      isDone ? make("span", { class: "unseen" }, outcome) : outcome,
      isDone ? ` ${took}` : null,
    ),
  ].filter((child) => child !== null);
}

/**
 * What Turn has got, if it is not what the user wrote.
 *
 * @param {MessageTrace} trace
 */
function toldWords({ text, told }) {
  if (told === null || told.choice === null && told.text === text) return [];
  return [told.text, ...(told.choice === null ? [] : [told.choice])];
}

/** @param {Card} card */
function showSteps({ details, steps }) {
  const list = details.querySelector("ol");
  if (list === null) return;
  // Those that are there may be open.
  for (const step of steps.slice(list.children.length)) list.append(stepItem(step));
}

/** @param {TraceStep} step */
function stepItem({ at, title, tone, headers, body }) {
  const time = make("time", {}, timeOfDay(at));
  const item = make("li", { class: `step ${tone}` }, make("p", {}, title, " ", time));
  if (headers !== undefined && headers.length > 0) {
    const pairs = headers.flatMap(([name, value]) => [
      make("dt", {}, name),
      make("dd", {}, value),
    ]);
    item.append(make("dl", { class: "headers" }, ...pairs));
  }
  if (body !== undefined) {
    const label = `${title}: what was in it`;
    const attributes = { role: "region", "aria-label": label, dir: "auto" };
    item.append(make("pre", attributes, body));
  }
  return item;
}

/** @param {number} ms */
function formatMs(ms) {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
