/**
 * The tour's words on the page, and elsewhere at the same time.
 *
 * @module
 */

import type { Narrator } from "../screen.ts";
import type { Journal } from "./journal.ts";

/** Tells the page what the tour says; what passes is seen there anyway. */
export function captions(journal: Journal): Narrator {
  return {
    heading: (title, text) => journal.add({ kind: "caption", title, text }),
    passed: () => {},
    verdict: (good, text) => journal.add({ kind: "verdict", good, text }),
    say: () => {},
  };
}

/** All of them tell. */
export function together(...narrators: readonly Narrator[]): Narrator {
  return {
    heading: (...words) => narrators.forEach((narrator) => narrator.heading(...words)),
    passed: (...words) => narrators.forEach((narrator) => narrator.passed(...words)),
    verdict: (...words) => narrators.forEach((narrator) => narrator.verdict(...words)),
    say: (...words) => narrators.forEach((narrator) => narrator.say(...words)),
  };
}
