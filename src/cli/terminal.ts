// Asking a person at the terminal, secrets without showing them.

import { print } from "./print.ts";

export interface Asker {
  /** The answer, or undefined if there will be none. Secrets are not shown. */
  ask(question: string, secret: boolean): Promise<string | undefined>;
}

/** In raw mode each key comes by itself, and is not shown. */
type TerminalInput = Pick<typeof Deno.stdin, "read" | "setRaw">;

const MAX_LENGTH = 8192;

export class Terminal implements Asker {
  readonly #input: TerminalInput;
  readonly #write: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #typed = "";

  constructor(input: TerminalInput = Deno.stdin, write: (text: string) => void = print) {
    this.#input = input;
    this.#write = write;
  }

  async ask(question: string, secret: boolean): Promise<string | undefined> {
    using end = new DisposableStack();
    if (secret) {
      this.#input.setRaw(true); // Before the question: the answer may come at once.
      end.defer(() => this.#write("\n"));
      end.defer(() => this.#input.setRaw(false));
    }
    this.#write(`${question} `);
    return await this.#readLine(secret);
  }

  /** Reads a line. In raw mode the keys that edit and end it come as they are. */
  async #readLine(raw: boolean): Promise<string | undefined> {
    let line = "";
    while (line.length < MAX_LENGTH) {
      if (this.#typed === "" && !await this.#read()) return undefined;
      const key = this.#typed.charAt(0);
      this.#typed = this.#typed.slice(1);
      if (key === "\n" || key === "\r") return line;
      if (raw && (key === "\x03" || key === "\x04")) return undefined;
      if (raw && (key === "\x7f" || key === "\b")) line = line.slice(0, -1);
      else line += key;
    }
    return undefined;
  }

  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(4096);
    const length = await this.#input.read(buffer);
    if (length === null) return false;
    // A line break of two characters is one.
    this.#typed += this.#decoder.decode(buffer.subarray(0, length), { stream: true })
      .replaceAll("\r\n", "\n");
    return true;
  }
}
