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
import { Operator, type OperatorOptions, type Reports } from "./operator.ts";
import { ChaosTurn, TOKEN } from "./turn.ts";

/** How a {@linkcode World} is made. */
export interface WorldOptions {
  /** The broker. */
  readonly url: string;
  /** Over the configuration that all have. */
  readonly config?: ConfigFile;
  /** What the operator says of what was sent; default none. */
  readonly reports?: Reports;
  /** Where the bridge finds the broker, if not through the proxy before it. */
  readonly bridgeUrls?: readonly string[];
}

const POLL_MS = 100;
/** With nothing open, nothing happens any more after this time without anything. */
const CALM_MS = 600;
/** The same while an SMS may wait for word of its user's one before, which may have been lost with a fault. */
const UNSENT_CALM_MS = 65_000;

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
  readonly #path: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: { turn: ChaosTurn; operator: Operator; bridge: BridgeProcess; proxy: TcpProxy },
    stack: AsyncDisposableStack,
    path = "",
  ) {
    this.#path = path;
    this.turn = parts.turn;
    this.operator = parts.operator;
    this.bridge = parts.bridge;
    this.proxy = parts.proxy;
    this.#parts = stack;
  }

  /** Makes it. */
  static async make(options: WorldOptions): Promise<World> {
    const { url, config = {}, reports = "none" } = options;
    await using stack = new AsyncDisposableStack();
    const connector = `chaos-${crypto.randomUUID()}`;
    const turn = stack.use(new ChaosTurn());
    const operator = stack.use(await Operator.start({ url, connector, reports }));
    // When the bridge has gone, or it would make them again.
    stack.defer(() => operator.clear());
    const proxy = stack.use(proxyBefore(url));
    const bridge = stack.use(
      await BridgeProcess.prepare({
        ...SHARED,
        ...channelOf(connector, turn),
        amqp_url: options.bridgeUrls ?? through(proxy, url),
        ...config,
      }),
    );
    stack.defer(() => keepLog(bridge, connector));
    return new World({ turn, operator, bridge, proxy }, stack.move());
  }

  /** Makes several that share a bridge, each with a channel of its own; `odd` are options of the first. */
  static async makeSeveral(
    count: number,
    { url, config = {}, reports = "none" }: WorldOptions,
    odd: Pick<OperatorOptions, "leavesParked"> = {},
  ): Promise<AsyncDisposable & { readonly worlds: readonly World[] }> {
    await using stack = new AsyncDisposableStack();
    const name = `chaos-${crypto.randomUUID()}`;
    const sides: { turn: ChaosTurn; operator: Operator; connector: string; path: string }[] = [];
    for (let n = 0; n < count; n++) {
      const connector = `${name}-${n}`;
      const turn = stack.use(new ChaosTurn());
      const options = { url, connector, reports, ...(n === 0 ? odd : {}) };
      const operator = stack.use(await Operator.start(options));
      stack.defer(() => operator.clear());
      sides.push({ turn, operator, connector, path: `/c${n}` });
    }
    const proxy = stack.use(proxyBefore(url));
    const channels = sides.map(({ turn, connector, path }) => ({
      ...channelOf(connector, turn),
      vumi_api_path: path,
    }));
    const shared = { ...SHARED, amqp_url: through(proxy, url), ...config, channels };
    const bridge = stack.use(await BridgeProcess.prepare(shared));
    stack.defer(() => keepLog(bridge, name));
    const worlds = sides.map(({ turn, operator, path }) =>
      stack.use(
        new World(
          { turn, operator, bridge, proxy },
          new AsyncDisposableStack(),
          path,
        ),
      )
    );
    const parts = stack.move();
    return { worlds, [Symbol.asyncDispose]: () => parts.disposeAsync() };
  }

  /** Where Turn's requests go. */
  get messagesUrl(): string {
    return `${this.bridge.address}${this.#path}/messages`;
  }

  /** Makes Turn's load, to be sent with {@linkcode TurnLoad.send}. */
  load(options: Omit<LoadOptions, "url">): TurnLoad {
    const load = new TurnLoad({ ...options, url: this.messagesUrl });
    this.#parts.use(load);
    this.loads.push(load);
    return load;
  }

  /** What came of Turn's requests. */
  get outcomes(): Outcome[] {
    return this.loads.flatMap(({ outcomes }) => outcomes);
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
      const calmMs = this.#isAllSent() ? CALM_MS : Math.max(stallMs, UNSENT_CALM_MS);
      if (Date.now() - changedAt >= (isCalm ? calmMs : stallMs)) return;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Messages and events that wait in queues. */
  async #waiting(): Promise<number> {
    const depths = [await this.operator.depth("inbound"), await this.operator.depth("event")];
    return depths.reduce<number>((sum, depth) => sum + (depth ?? 0), 0);
  }

  /** Whether all that Turn's requests were answered for is with the operator. */
  #isAllSent(): boolean {
    const sent = new Set(this.operator.outbound.map(({ id }) => id));
    return this.outcomes.every(({ id }) => id === undefined || sent.has(id));
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
    const faults = code === 0 ? [] : [`SIGTERM ended it with exit code ${code}`];
    return [...faults, ...await this.leftovers()];
  }

  /** The latter, when the bridge has ended. */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    for (const end of ["inbound", "event", "outbound", "held"]) {
      const depth = await this.operator.depth(end);
      if (depth !== 0) left.push(`${depth} messages are left on .${end}`);
    }
    const improper = new Set(this.turn.improper);
    return [
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

  /**
   * What is wrong with the ids that Turn's requests were answered with. What waited may be sent again under
   * its id, by who was killed, or lost RabbitMQ, before that could be noted.
   */
  idFaults({ mayRepeat = 0 } = {}): string[] {
    const contents = new Map(this.operator.outbound.map(({ id, content }) => [id, content]));
    const answered = this.outcomes.filter(({ id }) => id !== undefined);
    const strange = answered.filter(({ id = "", content }) => contents.get(id) !== content).length;
    const shared = answered.length - new Set(answered.map(({ id }) => id)).size;
    const reused = this.operator.outbound.length - contents.size;
    return [
      ...(strange > 0 ? [`${strange} ids were answered and not sent with that message`] : []),
      ...(shared > 0 ? [`${shared} ids were answered to several requests`] : []),
      ...(reused > mayRepeat ? [`${reused} ids were sent more than once`] : []),
    ];
  }

  /** Ends all, and deletes the queues. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** What all have. */
const SHARED = {
  default_from_addr: "8110",
  max_retries: 2,
  retry_delay_base: 1,
  retry_delay_exponent: 1,
};

/** What tells a channel from others. */
function channelOf(connector: string, turn: ChaosTurn): ConfigFile {
  return {
    connector_name: connector,
    turn_api_url: turn.url,
    auth_token: TOKEN,
    turn_hmac_secret: SECRET,
  };
}

function proxyBefore(url: string): TcpProxy {
  return TcpProxy.start({ port: Number(new URL(url).port) });
}

/** The address of a broker behind a proxy. */
function through(proxy: TcpProxy, url: string): string {
  const changed = new URL(url);
  changed.port = String(proxy.port);
  return changed.href;
}

/** For whoever looks into a failure. */
async function keepLog(bridge: BridgeProcess, connector: string): Promise<void> {
  const folder = Deno.env.get("CHAOS_LOGS");
  if (!folder) return;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/${connector}.log`, bridge.log());
}
