/**
 * The handset's page without a browser: what a script of its own would hear and do.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Action } from "../../src/simulator/handset/actions.ts";
import type { PageEvent } from "../../src/simulator/handset/events.ts";
import { until } from "./until.ts";

/** Listens to the page's server. */
export class PageClient implements AsyncDisposable {
  /** What it was told. */
  readonly events: PageEvent[] = [];
  /** The number of the last thing that happened. */
  lastId = "";
  readonly #url: string;
  readonly #stop: AbortController;
  readonly #listening: Promise<void>;

  private constructor(url: string, response: Response, stop: AbortController) {
    this.#url = url;
    this.#stop = stop;
    this.#listening = this.#listen(response);
  }

  /** Connects, and says what it heard last. */
  static async open(url: string, lastId = ""): Promise<PageClient> {
    const stop = new AbortController();
    const headers = { "Last-Event-ID": lastId };
    const response = await fetch(`${url}events`, { headers, signal: stop.signal });
    assert.equal(response.status, 200);
    return new PageClient(url, response, stop);
  }

  /** Does something. */
  async act(action: Action): Promise<void> {
    const response = await fetch(`${this.#url}do`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Origin": new URL(this.#url).origin },
      body: JSON.stringify(action),
    });
    assert.equal(response.status, 204, await response.text());
  }

  /** Waits until it was told such a thing. */
  async hears(fields: Readonly<Record<string, unknown>>): Promise<void> {
    await until(JSON.stringify(fields), () => this.events.some((event) => includes(event, fields)));
  }

  /** What was said on phones. */
  get said(): string[] {
    return this.events.flatMap((event) => event.kind === "said" ? [event.text] : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#listening;
  }

  async #listen({ body }: Response): Promise<void> {
    assert.ok(body !== null);
    let rest = "";
    const decoder = new TextDecoder();
    try {
      for await (const bytes of body) {
        const frames = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
        rest = frames.pop() ?? "";
        for (const frame of frames) this.#take(frame);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  #take(frame: string): void {
    this.lastId = /^id: (.*)$/m.exec(frame)?.[1] ?? this.lastId;
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    if (data !== undefined) this.events.push(JSON.parse(data));
  }
}

function includes(value: unknown, fields: Readonly<Record<string, unknown>>): boolean {
  const found = Object(value);
  return Object.entries(fields).every(([key, field]) =>
    typeof field === "object" && field !== null
      ? includes(found[key], { ...field })
      : found[key] === field
  );
}
