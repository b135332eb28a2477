// Which messages of a flow come one after the other, without an answer of the user between: those are
// one turn, and the bridge makes one screen of them.

import type { Block, Flow } from "./container.ts";
import { isMessage } from "./messages.ts";

/** Messages that come in answer to one of the user's. */
export interface Turn {
  readonly messages: readonly TurnMessage[];
  /** Whether it may go on in a flow that is not here. */
  readonly goesOn: boolean;
}

export interface TurnMessage {
  readonly flow: Flow;
  readonly block: Block;
  /** How long web calls between the message before and this one may take; 0 without any. */
  readonly callsMs: number;
}

/** More steps from one message to the next ones are not followed. */
const MOST_STEPS = 10_000;
/** How often it is looked whether a block can be reached by a way on which calls take longer. */
const MOST_TIMES = 3;
/** More turns that begin with the same message are not shown: there is more than anybody reads. */
const MOST_TURNS = 20;
/** Longer turns are in no flow; what comes after is shown by itself. */
const LONGEST_TURN = 20;
/** Longer than that no screen waits. */
const LONGEST_MS = 120_000;
/** Turn's own, where the export has none. */
const CALL_MS = 5_000;

/** The turns of flows: each way from one message to another is in one of them at least. */
export function turnsOf(flows: readonly Flow[], waits: (block: Block) => boolean): readonly Turn[] {
  const graph = new Graph(flows, waits);
  const heads = new Map<Block, Flow>();
  for (const flow of flows) {
    const starts = [flow.first];
    for (const block of flow.blocks.values()) {
      if (isMessage(block) && waits(block)) starts.push(...exitsOf(block));
    }
    for (const start of new Set(starts)) {
      for (const { flow: of, block } of graph.reach(flow, [start]).messages) heads.set(block, of);
    }
  }
  const turns: Turn[] = [];
  const shown = new Set<Block>();
  const add = (flow: Flow, block: Block): void => {
    for (const turn of graph.turnsFrom({ flow, block, callsMs: 0 })) {
      turns.push(turn);
      for (const message of turn.messages) shown.add(message.block);
    }
  };
  for (const [block, flow] of inOrder(flows)) if (heads.get(block) !== undefined) add(flow, block);
  // What nothing leads to: other flows may, or a way that could not be followed.
  for (const [block, flow] of inOrder(flows)) {
    if (isMessage(block) && !shown.has(block)) add(flow, block);
  }
  const flowOf = ({ messages: [first] }: Turn) => first ? flows.indexOf(first.flow) : 0;
  return inAuthorsOrder(turns).sort((one, other) => flowOf(one) - flowOf(other));
}

/** All messages of a flow, each as a turn by itself. */
export function messagesOf(flow: Flow): readonly Turn[] {
  const messages = [...flow.blocks.values()].filter(isMessage);
  return inAuthorsOrder(
    messages.map((block) => ({ messages: [{ flow, block, callsMs: 0 }], goesOn: false })),
  );
}

/** In the order of the author's program, as far as it is known. */
function inAuthorsOrder(turns: readonly Turn[]): Turn[] {
  const lineOf = ({ messages: [first] }: Turn) => first?.block.line ?? Number.MAX_SAFE_INTEGER;
  return turns.toSorted((one, other) => lineOf(one) - lineOf(other));
}

function* inOrder(flows: readonly Flow[]): Generator<readonly [Block, Flow]> {
  for (const flow of flows) for (const block of flow.blocks.values()) yield [block, flow];
}

class Graph {
  readonly #byId = new Map<string, Flow>();
  readonly #waits: (block: Block) => boolean;
  readonly #next = new Map<Block, Turn>();
  readonly #followed = new Set<Block>();
  readonly #exits = new Map<Block, readonly string[]>();

  constructor(flows: readonly Flow[], waits: (block: Block) => boolean) {
    for (const flow of flows) for (const id of flow.ids) this.#byId.set(id, flow);
    this.#waits = waits;
  }

  /** All turns that begin with a message; ways that are in an earlier one end where that goes on. */
  turnsFrom(head: TurnMessage): readonly Turn[] {
    const turns: Turn[] = [];
    const left: (readonly TurnMessage[])[] = [[head]];
    for (let way = left.pop(); way !== undefined && turns.length < MOST_TURNS; way = left.pop()) {
      const last = way.at(-1);
      if (last === undefined) continue;
      const { messages, goesOn } = this.#after(last);
      const next = messages.filter(({ block }) => way.every((each) => each.block !== block));
      if (next.length === 0 || way.length >= LONGEST_TURN) {
        turns.push({ messages: way, goesOn });
        continue;
      }
      // Once all ways on from a message were shown, one of them is enough.
      const isKnown = this.#followed.has(last.block);
      this.#followed.add(last.block);
      for (const each of isKnown ? next.slice(0, 1) : next.toReversed()) left.push([...way, each]);
    }
    return turns;
  }

  /** The messages that may come next in the same turn. */
  #after({ flow, block }: TurnMessage): Turn {
    if (this.#waits(block)) return { messages: [], goesOn: false };
    const known = this.#next.get(block);
    if (known !== undefined) return known;
    const next = this.reach(flow, this.#exitsOf(block));
    this.#next.set(block, next);
    return next;
  }

  /** The last first, as they are taken from the end. */
  #exitsOf(block: Block): readonly string[] {
    const known = this.#exits.get(block) ?? exitsOf(block).toReversed();
    this.#exits.set(block, known);
    return known;
  }

  /** The messages to which one gets from blocks by such as show nothing, they included. */
  reach(from: Flow, starts: readonly string[]): Turn {
    const found = new Map<Block, TurnMessage>();
    const longest = new Map<Block, { readonly ms: number; readonly times: number }>();
    const left = starts.map((
      uuid,
    ): readonly [Flow, string, number] => [from, uuid, 0]);
    let goesOn = false;
    let steps = 0;
    for (let next = left.pop(); next !== undefined && steps++ < MOST_STEPS; next = left.pop()) {
      const [flow, uuid, ms] = next;
      const block = flow.blocks.get(uuid);
      if (block === undefined) continue;
      const before = longest.get(block);
      if (before !== undefined && (before.ms >= ms || before.times >= MOST_TIMES)) continue;
      longest.set(block, { ms, times: (before?.times ?? 0) + 1 });
      if (isMessage(block)) {
        found.set(block, { flow, block, callsMs: ms });
        continue;
      }
      const after = Math.min(LONGEST_MS, ms + callMs(block));
      const isRun = block.type === "Core.RunFlow";
      const other = isRun ? this.#byId.get(String(block.config.flow_id)) : undefined;
      goesOn ||= isRun && other === undefined;
      if (other !== undefined) left.push([other, other.first, after]);
      else for (const exit of this.#exitsOf(block)) left.push([flow, exit, after]);
    }
    return { messages: [...found.values()], goesOn };
  }
}

/** The blocks to which a block leads. */
function exitsOf({ exits, config }: Block): readonly string[] {
  const [first, another] = exits;
  if (another === undefined && config.destination_block === undefined) {
    return first === undefined || first.to === "" ? [] : [first.to];
  }
  const others = typeof config.destination_block === "string" ? [config.destination_block] : [];
  return [...new Set([...others, ...exits.map(({ to }) => to)])].filter((to) => to !== "");
}

function callMs({ type, config: { timeout } }: Block): number {
  if (type !== "Io.Turn.Webhook") return 0;
  return typeof timeout === "number" && timeout >= 0 ? timeout : CALL_MS;
}
