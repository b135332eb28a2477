/**
 * What a process writes, as it does.
 *
 * @module
 */

import assert from "node:assert/strict";
import { until } from "./until.ts";

/** What a process has written so far. */
export class Transcript {
  /** Resolves when there will be no more. */
  readonly ended: Promise<void>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#read(stream);
  }

  /** Waits for it, and answers what was found. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    await until(`${pattern}`, () => pattern.test(this.#text));
    const found = pattern.exec(this.#text);
    assert.ok(found !== null);
    return found;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#text += text;
  }
}
