/**
 * Several channels in one program of its own, each between a fake Turn and a transport of its own,
 * with a path, a secret and a token that no other one has.
 *
 * @module
 */

import { FakeTurn, send } from "./fake_turn.ts";
import { DELAY_MS, idIn, type LiveAnswer, requestOf } from "./live.ts";
import { type Output, Program, type Running } from "./program.ts";
import { amqpUrl } from "./rabbitmq.ts";
import { Transport } from "./transport.ts";
import { until } from "./until.ts";

/** Keys of the configuration file. */
export type Keys = Readonly<Record<string, unknown>>;

/** Both sides of a channel. */
export interface Sides {
  readonly connector: string;
  readonly path: string;
  readonly secret: string;
  readonly turn: FakeTurn;
  readonly transport: Transport;
}

/** Channels, and ways to start them. */
export class Several implements AsyncDisposable {
  /** In the order of the configuration. */
  readonly channels: readonly Sides[];
  /** For files; removed in the end. */
  readonly folder: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(channels: readonly Sides[], folder: string, parts: AsyncDisposableStack) {
    this.channels = channels;
    this.folder = folder;
    this.#parts = parts;
  }

  /** Makes both sides of each, and the configuration; nothing runs yet. */
  static async prepare(count: number, shared: Keys = {}): Promise<Several> {
    await using parts = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-several-" });
    parts.defer(() => Deno.remove(folder, { recursive: true }));
    const run = crypto.randomUUID();
    const channels: Sides[] = [];
    for (let index = 0; index < count; index++) {
      const connector = `test-${run}-${index}`;
      const turn = parts.use(FakeTurn.start({ authToken: `token-${index}` }));
      const transport = parts.use(await Transport.connect(connector));
      parts.defer(() => transport.deleteDelay(DELAY_MS));
      channels.push({ connector, path: `/c${index}`, secret: `secret-${index}`, turn, transport });
    }
    const several = new Several(channels, folder, parts.move());
    await several.configure(shared);
    return several;
  }

  /** Writes the configuration anew. */
  async configure(shared: Keys, ofChannel: (index: number) => Keys = () => ({})): Promise<void> {
    const channels = this.channels.map(({ connector, path, secret, turn }, index) => ({
      connector_name: connector,
      vumi_api_path: path,
      turn_hmac_secret: secret,
      auth_token: `token-${index}`,
      turn_api_url: turn.url,
      ...ofChannel(index),
    }));
    const config = {
      http_bind: "127.0.0.1:0",
      default_from_addr: "8110",
      amqp_url: amqpUrl(),
      retry_schedule: [DELAY_MS / 1000],
      retry_delay_base: 0,
      ...shared,
      channels,
    };
    await Deno.writeTextFile(this.file, JSON.stringify(config));
  }

  /** The configuration file. */
  get file(): string {
    return `${this.folder}/config.json`;
  }

  /** Starts it. Resolves when it is in health. */
  async start(): Promise<Running> {
    const running = await Program.fromSource().start(["run", `--config=${this.file}`]);
    const [, admin = running.address] = /"admin":"([^"]+)"/.exec(running.stderr()) ?? [];
    await until("health", async () => (await get(`${admin}/readyz`)).status === 200);
    return running;
  }

  /** Runs a command to its end. */
  command(...args: readonly string[]): Promise<Output> {
    return Program.fromSource().output([...args, `--config=${this.file}`]);
  }

  /** The sides of the one at `index`. */
  at(index: number): Sides {
    const sides = this.channels[index];
    if (sides === undefined) throw new RangeError(`There is no channel ${index}`);
    return sides;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Sends what Turn would, to be sent to a user; `more` of the request beside its text. */
export async function sendTo(
  address: string,
  { path, secret }: Pick<Sides, "path" | "secret">,
  text: string,
  more: Keys = {},
): Promise<LiveAnswer> {
  const body = { ...requestOf(text) as Keys, ...more }; // It is an object.
  const response = await send(`${address}${path}/messages`, body, { secret });
  const { status, headers } = response;
  const answer = await response.json();
  return { status, retryAfter: headers.get("retry-after"), id: answer.messages?.[0].id };
}

/** What is answered to `GET`. */
export async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

/** The ids of the users' messages that a Turn was called about, in order. */
export function told({ turn }: Pick<Sides, "turn">): readonly string[] {
  return turn.calls.filter(({ path }) => path === "/messages").map(({ body }) => idIn(body));
}
