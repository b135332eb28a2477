// @ts-check
/// <reference lib="dom" />
/**
 * Messages in the queue that are meant for others, perhaps real people: what becomes of them is asked
 * before anything is taken.
 *
 * @module
 */

import { find } from "./dom.js";
import { act } from "./link.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */
/** @typedef {import("../handset/events.ts").Others} OthersNow */

export class Others {
  constructor() {
    this.place = find("others", HTMLElement);
    for (const decision of /** @type {const} */ (["leave", "take"])) {
      find(`others-${decision}`, HTMLButtonElement).addEventListener("click", () => {
        void act({ do: "decide", decision });
      });
    }
  }

  /** @param {PageEvent} event */
  take(event) {
    if (event.kind !== "others") return;
    const isOpen = event.decision === null;
    const words = isOpen
      ? [waitedWords(event)]
      : [...givenBackWords(event), ...leftWords(event), ...takenWords(event)];
    this.place.hidden = words.length === 0;
    find("others-words", HTMLElement).textContent = words.join(" ");
    find("others-means", HTMLElement).hidden = !isOpen;
    find("others-told", HTMLElement).textContent = event.toldAs;
    find("others-buttons", HTMLElement).hidden = !isOpen;
  }
}

/** @param {OthersNow} others */
function waitedWords({ waited, forWhom }) {
  return `${messages(waited)} in the queue, for ${forWhom}: perhaps real people. ` +
    "Nothing begins before you say what becomes of them.";
}

/** @param {OthersNow} others */
function givenBackWords({ isGivenBack }) {
  if (!isGivenBack) return [];
  return [
    "Another program consumes the queue, most likely a transport. All that was left was given back, " +
    "and nothing is taken any more: end one of the two, and start handset again.",
  ];
}

/** @param {OthersNow} others */
function leftWords({ left, leftFor, isFull }) {
  if (left === 0) return [];
  const full = isFull ? " They are so many that nothing else comes: start the transport." : "";
  return [`${messages(left)} in the queue for others (${leftFor}), and are left there.${full}`];
}

/** @param {OthersNow} others */
function takenWords({ taken, toldAs }) {
  if (taken === 0) return [];
  const told = `${taken === 1 ? "of it" : "of each"} what failed_status is: ${toldAs}`;
  const were = taken === 1 ? "1 message was" : `${taken} messages were`;
  return [`${were} taken. Nobody got ${taken === 1 ? "it" : "them"}; Turn is told ${told}.`];
}

/** @param {number} count */
function messages(count) {
  return count === 1 ? "1 message waits" : `${count} messages wait`;
}
