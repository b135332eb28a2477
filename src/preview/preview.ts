// A preview of flows: what each of their steps looks like on a phone, in each language, with warnings.

import { parseJson } from "../async/mod.ts";
import type { Medium } from "../content/mod.ts";
import { type Block, type Flow, type Language, readContainer, type Unread } from "./container.ts";
import {
  keywordWarnings,
  type SessionOptions,
  startWarnings,
  turnWarnings,
} from "./flow_warnings.ts";
import { startWords } from "./keywords.ts";
import { messageWarnings } from "./message_warnings.ts";
import { readBlock, type Said } from "./messages.ts";
import { type Samples, Wanted } from "./samples.ts";
import { NOTHING_TO_DO, screenWarnings, smsWarnings } from "./screen_warnings.ts";
import { bySms, onUssd, type Page, type PhoneOptions } from "./screens.ts";
import { previewTranscript, type TranscriptOptions } from "./transcript.ts";
import { messagesOf, type Turn, type TurnMessage, turnsOf } from "./turns.ts";
import type { Warning } from "./warnings.ts";

/** How a preview is made. */
export interface PreviewOptions
  extends PhoneOptions, Omit<SessionOptions, "moreKey">, Pick<TranscriptOptions, "readMessage"> {
  /** Where it is shown. */
  readonly medium: Medium;
  /** What expressions say. */
  readonly samples: Samples;
}

/** A file with flows, or a transcript of the handset's page. */
export interface FlowFile {
  /** As it was named. */
  readonly name: string;
  /** What is in it. */
  readonly bytes: Uint8Array;
}

/** What flows look like on a phone. */
export interface Preview {
  /** Where they are shown. */
  readonly medium: Medium;
  /** Those that could be read. */
  readonly flows: readonly FlowPreview[];
  /** What could not be read. */
  readonly unread: readonly Unread[];
}

/** What a flow looks like. */
export interface FlowPreview {
  /** The file that it is from. */
  readonly file: string;
  /** What its authors call it. */
  readonly name: string;
  /** The words that start it, as far as the export says it. */
  readonly startsOn: readonly string[];
  /** Those of no step. */
  readonly warnings: readonly Warning[];
  /** What it looks like in each. */
  readonly languages: readonly LanguagePreview[];
}

/** What a flow looks like in a language. */
export interface LanguagePreview {
  /** Three letters. */
  readonly code: string;
  /** What its authors call it. */
  readonly name: string;
  /** In the order of the author's program. */
  readonly steps: readonly Step[];
}

/** What is shown at once: on USSD all messages of a turn, by SMS one of them. */
export interface Step {
  /** In the order of their coming. */
  readonly messages: readonly {
    readonly card: string;
    readonly line?: number;
    /** What it is: message, question, buttons, list, template, content. */
    readonly what: string;
  }[];
  /** How many of them are shown as one. */
  readonly merged: number;
  /** Whether the user is to answer. */
  readonly waits: boolean;
  /** Whether messages of a flow that is not here may follow. */
  readonly goesOn: boolean;
  /** Whether some of the words are names of expressions. */
  readonly isAbout: boolean;
  /** Screens, or SMS; none if nothing is shown. */
  readonly pages: readonly Page[];
  /** What is to be said of it, and was not said before. */
  readonly warnings: readonly Warning[];
}

/** What files' flows look like. */
export function preview(files: readonly FlowFile[], options: PreviewOptions): Preview {
  return new Previewer(files, options).preview();
}

/** A file with all that needs samples, and those that there are. */
export function skeletonOf(files: readonly FlowFile[], options: PreviewOptions): string {
  return new Previewer(files, options).skeleton();
}

class Previewer {
  readonly #options: PreviewOptions;
  readonly #session: SessionOptions;
  readonly #flows: readonly Flow[];
  readonly #transcripts: FlowPreview[] = [];
  readonly #unread: Unread[] = [];
  readonly #said = new Map<Block, Map<Language, Said | undefined>>();

  constructor(files: readonly FlowFile[], options: PreviewOptions) {
    this.#options = options;
    this.#session = { ...options, moreKey: options.pages.moreKey };
    this.#flows = files.flatMap(({ name, bytes }) => {
      const json = parseJson(bytes);
      const transcript = previewTranscript(name, json, options);
      if (transcript !== undefined) this.#transcripts.push(transcript.flow);
      const { unread, flows } = transcript === undefined
        ? readContainer(name, json)
        : { ...transcript, flows: [] };
      this.#unread.push(...unread);
      return flows;
    });
    this.#readBlocks();
  }

  preview(): Preview {
    const { medium } = this.#options;
    const waits = (block: Block) => {
      return [...this.#said.get(block)?.values() ?? []].some((said) => said?.waitingForUserInput);
    };
    const turns = Map.groupBy(
      turnsOf(this.#flows, waits),
      ({ messages: [first] }) => first?.flow,
    );
    const flows = this.#flows.map((flow): FlowPreview => {
      const isUssd = medium === "ussd";
      const its = isUssd ? turns.get(flow) ?? [] : messagesOf(flow);
      const told = new Set<string>();
      return {
        file: flow.file,
        name: flow.name,
        startsOn: startWords(flow).map(({ word }) => word),
        warnings: [
          ...isUssd ? startWarnings(flow, this.#session) : [],
          ...keywordWarnings(flow, this.#session, medium),
        ],
        languages: flow.languages.map((language) => this.#inLanguage(its, language, told)),
      };
    });
    return { medium, flows: [...flows, ...this.#transcripts], unread: this.#unread };
  }

  skeleton(): string {
    const wanted = new Wanted();
    const blocks = this.#flows.flatMap((flow) => [...flow.blocks.values()]);
    for (const block of blocks) {
      for (const [language, said] of this.#said.get(block) ?? []) {
        for (const { source, isList } of said?.unknown ?? []) wanted.add(source, language, isList);
      }
    }
    return wanted.skeleton(this.#options.samples);
  }

  /** Reads all blocks, in all languages; what is wrong in several is told once. */
  #readBlocks(): void {
    for (const flow of this.#flows) {
      for (const block of flow.blocks.values()) {
        const wrong = new Set<string>();
        const said = new Map<Language, Said | undefined>();
        for (const language of flow.languages) {
          const read = readBlock(block, flow, language, this.#options.samples);
          if (read.kind === "silent") break;
          if (read.kind === "unread") wrong.add(read.why);
          said.set(language, read.kind === "said" ? read.said : undefined);
        }
        if (said.size > 0) this.#said.set(block, said);
        const { file, name } = flow;
        const line = block.line === undefined ? "" : `, line ${block.line}`;
        const where = `${name}, ${block.card}${line}`;
        for (const why of wrong) this.#unread.push({ file, where, why });
      }
    }
  }

  /** @param told What was said already: a message may be in several turns, a call in several languages. */
  #inLanguage(turns: readonly Turn[], language: Language, told: Set<string>): LanguagePreview {
    const untold = (warnings: readonly Warning[]) =>
      warnings.filter((warning) => {
        const isOfAll = warning.remedy === NOTHING_TO_DO;
        const key = isOfAll ? `${warning.remedy} ${language.name}` : JSON.stringify(warning);
        return !told.has(key) && told.add(key);
      });
    const steps = turns.flatMap((turn) => this.#step(turn, language) ?? [])
      .map((step) => ({ ...step, warnings: untold(step.warnings) }));
    return { code: language.code, name: language.name, steps };
  }

  #step(turn: Turn, language: Language): Step | undefined {
    const messages = turn.messages.flatMap((message) => this.#saidIn(message, language) ?? []);
    const [first, ...others] = messages;
    if (first === undefined) return undefined;
    const { medium } = this.#options;
    const isUssd = medium === "ussd";
    // Without a window the first one takes the user's request.
    const isMerged = isUssd && this.#options.mergeWindowMs > 0;
    const shown = isMerged ? [first, ...others] as const : [first] as const;
    const screen = isUssd ? onUssd(shown, this.#options) : bySms(first, this.#options);
    return {
      messages: messages.map(({ block: { card, line }, what }) => (
        { card, ...line !== undefined && { line }, what }
      )),
      merged: screen.merged,
      waits: shown.some(({ waitingForUserInput }) => waitingForUserInput),
      goesOn: turn.goesOn,
      isAbout: shown.some(({ unknown }) => unknown.length > 0),
      pages: screen.pages,
      warnings: [
        ...isUssd ? turnWarnings(turn, this.#session) : [],
        ...isUssd
          ? screenWarnings(screen, shown, language, this.#options)
          : smsWarnings(screen, first, language, this.#options),
        ...messages.flatMap((said) => messageWarnings(said, language, medium, this.#options)),
      ],
    };
  }

  #saidIn({ flow, block }: TurnMessage, { code, name }: Language): Said | undefined {
    // Another flow names its languages by ids of its own.
    const its =
      flow.languages.find((language) => language.code === code && language.name === name) ??
        flow.languages.find((language) => language.code === code) ?? flow.languages[0];
    return its && this.#said.get(block)?.get(its);
  }
}
