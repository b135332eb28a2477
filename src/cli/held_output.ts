/**
 * Output that is held back while messages are looked at, as nobody else sees those meanwhile: a pager
 * takes as long as the person before it.
 *
 * @module
 */

import { print } from "./print.ts";

/** Most characters that are held back. With more some are printed while messages are looked at. */
const MOST = 64 * 1024 * 1024;

/** Prints when it is disposed, in the order in which it was told. */
export class HeldOutput implements Disposable {
  readonly #most: number;
  readonly #print: (text: string) => void;
  #texts: string[] = [];
  #length = 0;

  /** Tests alone give arguments. */
  constructor(output: (text: string) => void = print, most = MOST) {
    this.#print = output;
    this.#most = most;
  }

  print(text: string): void {
    this.#texts.push(text);
    this.#length += text.length;
    if (this.#length > this.#most) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const text of this.#texts.splice(0)) this.#print(text);
    this.#length = 0;
  }
}
