// Answers in groups: what is asked for in one turn, or while a call is under way, goes together into
// the next call, in the order of its arrival. A store whose calls cost more than what they are about is
// called less often.

import { setImmediate } from "node:timers";

interface GroupsOptions<Question, Answer> {
  /** How many of the first questions, at least 1, go into the next call. */
  readonly take: (waiting: Iterable<Question>) => number;
  /**
   * For how many turns of the event loop more are waited for before each call; 0 unless given. Who had
   * answers by the last call, or by another store's, asks again in these.
   */
  readonly turns?: number;
  /** Answers each of the questions. Never called while another call is under way. */
  readonly answer: (group: readonly Question[]) => Promise<readonly Answer[]>;
}

interface Pending<Question, Answer> extends PromiseWithResolvers<Answer> {
  readonly question: Question;
}

/** If a call fails, its group is rejected, and no other. */
export class Groups<Question, Answer> {
  readonly #options: GroupsOptions<Question, Answer>;
  readonly #waiting: Pending<Question, Answer>[] = [];
  #work: Promise<void> | undefined;

  constructor(options: GroupsOptions<Question, Answer>) {
    this.#options = options;
  }

  /** The answer to a question; rejects with the error of the call. */
  ask(question: Question): Promise<Answer> {
    const waiting = { question, ...Promise.withResolvers<Answer>() };
    this.#waiting.push(waiting);
    this.#work ??= this.#answerAll();
    return waiting.promise;
  }

  /** Resolves when every question so far is answered or rejected; never rejects itself. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async #answerAll(): Promise<void> {
    await Promise.resolve(); // What is asked for in the same turn comes along.
    while (this.#waiting.length > 0) {
      for (let turn = 0; turn < (this.#options.turns ?? 0); turn++) await nextTurn();
      const count = this.#options.take(this.#waiting.values().map(({ question }) => question));
      await this.#answer(this.#waiting.splice(0, count));
    }
    this.#work = undefined;
  }

  async #answer(group: readonly Pending<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#options.answer(group.map(({ question }) => question));
      // One answer a question, as the option promises.
      group.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
