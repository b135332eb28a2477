/**
 * The processes of one subject: mostly one, or several that share a connector, as several machines do.
 *
 * @module
 */

import { Running, type Subject, type Usage } from "./subject.ts";

/** All run; to load it is spread over their ports, and what they use is added up. */
export class Fleet implements AsyncDisposable {
  /** What runs. */
  readonly subject: Subject;
  /** The name of the connector that they share. */
  readonly connector: string;
  readonly #running: readonly Running[];
  readonly #parts: AsyncDisposableStack;

  private constructor(running: readonly [Running, ...Running[]], parts: AsyncDisposableStack) {
    const [{ subject, connector }] = running;
    this.subject = subject;
    this.connector = connector;
    this.#running = running;
    this.#parts = parts;
  }

  /** Starts them one after the other. They log into `folder`. */
  static async start(
    subject: Subject,
    flags: Readonly<Record<string, string>>,
    folder: string,
  ): Promise<Fleet> {
    await using parts = new AsyncDisposableStack();
    const connector = `bench-${crypto.randomUUID()}`;
    const start = async () => parts.use(await Running.start(subject, connector, flags, folder));
    const running: [Running, ...Running[]] = [await start()];
    while (running.length < subject.processes) running.push(await start());
    return new Fleet(running, parts.move());
  }

  /** Where they listen on 127.0.0.1. */
  get ports(): readonly number[] {
    return this.#running.map(({ port }) => port);
  }

  /** Milliseconds from the start of a process to its first healthy answer, of the slowest. */
  get startMs(): number {
    return Math.max(...this.#running.map(({ startMs }) => startMs));
  }

  /** What they have used so far, all together. */
  async usage(): Promise<Usage> {
    const all = await Promise.all(this.#running.map((running) => running.usage()));
    const sum = (of: (usage: Usage) => number): number =>
      all.reduce((sum, usage) => sum + of(usage), 0);
    return {
      cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
      rss: sum(({ rss }) => rss),
      peak: sum(({ peak }) => peak),
    };
  }

  /**
   * What `work` comes to, if none of them ends before, and it takes no longer than `limitMs`: it would
   * wait for ever for what will not come.
   */
  async guard<T>(work: Promise<T>, limitMs: number): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const fault = `${this.subject.name} is not done after ${limitMs / 1000} s`;
    const timer = setTimeout(() => reject(new Error(fault)), limitMs);
    const ends = this.#running.map((running) => running.ends());
    return await Promise.race([work, late, ...ends]).finally(() => clearTimeout(timer));
  }

  /** Ends them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
