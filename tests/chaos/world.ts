/**
 * One scenario's world: a bridge in a process of its own between a Turn and an operator, and at the
 * end the histories of its three flows.
 *
 * @module
 */

import { TcpProxy } from "../support/tcp_proxy.ts";
import { BridgeProcess, type ConfigFile } from "./bridge_process.ts";
import type { History } from "./history.ts";
import { type LoadOptions, type Outcome, SECRET, TurnLoad } from "./load.ts";
import { Operator, type Reports } from "./operator.ts";
import { ChaosTurn, TOKEN } from "./turn.ts";

/** How a {@linkcode World} is made. */
export interface WorldOptions {
  /** The broker. */
  readonly url: string;
  /** Over the configuration that all have. */
  readonly config?: ConfigFile;
  /** What the operator says of what was sent; default none. */
  readonly reports?: Reports;
  /** The delays that are configured, or the default's first: their queues are looked into. */
  readonly scheduleMs?: readonly number[];
}

/** The delays of the default schedule that a test can live to see. */
const DEFAULT_SCHEDULE_MS = [5_000, 60_000, 300_000];

const POLL_MS = 100;
/** With nothing open, nothing happens any more after this time without anything. */
const CALM_MS = 600;

/** All parts of a scenario. The bridge is not started yet. */
export class World implements AsyncDisposable {
  /** Turn's side. */
  readonly turn: ChaosTurn;
  /** The operator's. */
  readonly operator: Operator;
  /** Between them. */
  readonly bridge: BridgeProcess;
  /** Between the bridge and the broker. */
  readonly proxy: TcpProxy;
  /** What Turn asks for; more than one load may be under way. */
  readonly loads: TurnLoad[] = [];
  readonly #scheduleMs: readonly number[];
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: { turn: ChaosTurn; operator: Operator; bridge: BridgeProcess; proxy: TcpProxy },
    scheduleMs: readonly number[],
    stack: AsyncDisposableStack,
  ) {
    this.turn = parts.turn;
    this.operator = parts.operator;
    this.bridge = parts.bridge;
    this.proxy = parts.proxy;
    this.#scheduleMs = scheduleMs;
    this.#parts = stack;
  }

  /** Makes it. */
  static async make(options: WorldOptions): Promise<World> {
    const { url, config = {}, reports = "none", scheduleMs = DEFAULT_SCHEDULE_MS } = options;
    await using stack = new AsyncDisposableStack();
    const connector = `chaos-${crypto.randomUUID()}`;
    const turn = stack.use(new ChaosTurn());
    const operator = stack.use(await Operator.start({ url, connector, reports }));
    // When the bridge has gone, or it would make them again.
    stack.defer(() => operator.clear(scheduleMs));
    const proxy = stack.use(TcpProxy.start({ port: Number(new URL(url).port) }));
    const throughProxy = new URL(url);
    throughProxy.port = String(proxy.port);
    const bridge = stack.use(
      await BridgeProcess.prepare({
        connector_name: connector,
        turn_api_url: turn.url,
        auth_token: TOKEN,
        turn_hmac_secret: SECRET,
        default_from_addr: "8110",
        amqp_url: throughProxy.href,
        max_retries: 2,
        retry_delay_base: 1,
        retry_delay_exponent: 1,
        ...config,
      }),
    );
    stack.defer(() => keepLog(bridge, connector));
    return new World({ turn, operator, bridge, proxy }, scheduleMs, stack.move());
  }

  /** Makes Turn's load, to be sent with {@linkcode TurnLoad.send}. */
  load(options: Omit<LoadOptions, "url">): TurnLoad {
    const load = new TurnLoad({ ...options, url: `${this.bridge.address}/messages` });
    this.#parts.use(load);
    this.loads.push(load);
    return load;
  }

  /** What came of Turn's requests. */
  get outcomes(): Outcome[] {
    return this.loads.flatMap(({ outcomes }) => outcomes);
  }

  /** How many messages wait in delay queues. */
  delayed(): Promise<number> {
    return this.operator.delayed(this.#scheduleMs);
  }

  /** How many messages and events are neither delivered nor parked. */
  open(): number {
    const { inbound, events, parked } = this.operator;
    const done = (ids: string[], end: "inbound" | "event"): Set<string> =>
      new Set([...ids, ...parked[end].map(({ id }) => id)]);
    const messages = done(this.turn.delivered("inbound"), "inbound");
    const statuses = done(this.turn.delivered("status"), "event");
    return inbound.filter(({ id }) => !messages.has(id)).length +
      events.filter(({ id, supersededBy = "" }) => !statuses.has(id) && !statuses.has(supersededBy))
        .length;
  }

  /**
   * Resolves when nothing is open and nothing happens any more, so that copies too many have come as
   * well; or when nothing has happened for `stallMs`, or `mostMs` are over.
   */
  async settled({ stallMs, mostMs }: { stallMs: number; mostMs: number }): Promise<void> {
    const end = Date.now() + mostMs;
    let changedAt = Date.now(), before = "";
    while (Date.now() < end) {
      const isCalm = this.open() === 0 && await this.#waiting() === 0;
      const now = this.#stamp();
      if (now !== before) changedAt = Date.now();
      if (Date.now() - changedAt >= (isCalm ? CALM_MS : stallMs)) return;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Messages and events that wait in queues. */
  async #waiting(): Promise<number> {
    const depths = [await this.operator.depth("inbound"), await this.operator.depth("event")];
    return depths.reduce<number>((sum, depth) => sum + (depth ?? 0), await this.delayed());
  }

  /** Changes with whatever happens. */
  #stamp(): string {
    const { inbound, events, parked, outbound } = this.operator;
    const lists = [inbound, events, parked.inbound, parked.event, outbound, this.turn.calls];
    return lists.map(({ length }) => length).join();
  }

  /**
   * Ends the bridge with SIGTERM and says what is wrong with the end: another exit code than 0, and
   * what is left in queues that should be empty.
   */
  async finish(): Promise<string[]> {
    const code = await this.bridge.stop("SIGTERM");
    const left: string[] = [];
    for (const end of ["inbound", "event", "outbound"]) {
      const depth = await this.operator.depth(end);
      if (depth !== 0) left.push(`${depth} messages are left on .${end}`);
    }
    const delayed = await this.delayed();
    if (delayed > 0) left.push(`${delayed} messages are left in delay queues`);
    const improper = new Set(this.turn.improper);
    return [
      ...(code === 0 ? [] : [`SIGTERM ended it with exit code ${code}`]),
      ...left,
      ...[...improper].slice(0, 3).map((fault) => `Turn was called wrongly: ${fault}`),
    ];
  }

  /** What is known of users' messages. */
  inboundHistory(): History {
    return {
      put: this.operator.inbound,
      out: this.turn.delivered("inbound"),
      parked: this.operator.parked.inbound,
      unanswered: this.turn.unanswered("inbound"),
    };
  }

  /** What is known of statuses. */
  statusHistory(): History {
    return {
      put: this.operator.events,
      out: this.turn.delivered("status"),
      parked: this.operator.parked.event,
      unanswered: this.turn.unanswered("status"),
    };
  }

  /** What is known of messages to users: they are known by what they say. */
  outboundHistory(): History {
    const tried = this.outcomes.filter(({ tries }) => tries.some(({ status }) => status === 0));
    return {
      put: this.loads.flatMap(({ puts }) => puts),
      out: this.operator.outbound.map(({ content }) => content),
      unanswered: new Set(tried.map(({ content }) => content)),
    };
  }

  /** What is wrong with the ids that Turn's requests were answered with. */
  idFaults(): string[] {
    const contents = new Map(this.operator.outbound.map(({ id, content }) => [id, content]));
    const answered = this.outcomes.filter(({ id }) => id !== undefined);
    const strange = answered.filter(({ id = "", content }) => contents.get(id) !== content).length;
    const shared = answered.length - new Set(answered.map(({ id }) => id)).size;
    const reused = this.operator.outbound.length - contents.size;
    return [
      ...(strange > 0 ? [`${strange} ids were answered and not sent with that message`] : []),
      ...(shared > 0 ? [`${shared} ids were answered to several requests`] : []),
      ...(reused > 0 ? [`${reused} ids were sent more than once`] : []),
    ];
  }

  /** Ends all, and deletes the queues. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** For whoever looks into a failure. */
async function keepLog(bridge: BridgeProcess, connector: string): Promise<void> {
  const folder = Deno.env.get("CHAOS_LOGS");
  if (folder) await Deno.writeTextFile(`${folder}/${connector}.log`, bridge.log());
}
