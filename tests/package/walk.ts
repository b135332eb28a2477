/**
 * The walk of docs/walk.md: from the package to a night that ends well. Each command that the document
 * shows is run as it stands there, at a terminal of 80 columns, and shows what the document says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { alertRules } from "../../src/telemetry/mod.ts";
import { formatTimestamp } from "../../src/vumi/mod.ts";
import { AatGateway } from "../e2e/aat_support.ts";
import { type Endpoint, endpointAt, Network, post } from "../e2e/ussd_support.ts";
import { TOKEN } from "../support/bridge.ts";
import { FakeTurn } from "../support/fake_turn.ts";
import { freePort } from "../support/free_port.ts";
import { Program, type Running } from "../support/program.ts";
import { Prometheus, scaled } from "../support/prometheus.ts";
import { converse } from "../support/pty.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Transport } from "../support/transport.ts";
import { until } from "../support/until.ts";
import { Vumi2Worker } from "../support/vumi2.ts";

const CODE = "*120*8864#";
const USER = "+27820001111";
const HMAC = "the-secret-that-turn-shows";

/** What the document shows of a command: a line `…` stands for any number of lines. */
interface Block {
  readonly command: string;
  readonly output: string;
}

/** The document's blocks, in their order; what Prometheus says has no command. */
async function blocksOf(document: URL): Promise<readonly Block[]> {
  const text = await Deno.readTextFile(document);
  const found = text.matchAll(/^```(?:console|text)\n(?:\$ (?:sudo )?(.*)\n)?([^]*?)^```$/gm);
  return [...found].map(([, command = "", output = ""]) => ({ command, output }));
}

/** All that the walk needs beside the program. */
export class Walk implements AsyncDisposable {
  readonly ussd = FakeTurn.start({ authToken: TOKEN });
  readonly sms = FakeTurn.start({ authToken: TOKEN });
  readonly #id = crypto.randomUUID().slice(0, 8);
  readonly #bind = `127.0.0.1:${freePort()}`;
  readonly #binary: string;
  readonly #folder: string;
  readonly #parts = new AsyncDisposableStack();
  readonly #blocks: readonly Block[];
  #next = 0;

  private constructor(binary: string, folder: string, blocks: readonly Block[]) {
    this.#binary = binary;
    this.#folder = folder;
    this.#blocks = blocks;
    this.#parts.use(this.ussd);
    this.#parts.use(this.sms);
    this.#parts.defer(() => Deno.remove(folder, { recursive: true }));
  }

  static async open(binary: string, document: URL): Promise<Walk> {
    const folder = await Deno.makeTempDir({ prefix: "turn-channels-walk-" });
    return new Walk(binary, folder, await blocksOf(document));
  }

  use<T extends AsyncDisposable>(part: T): T {
    return this.#parts.use(part);
  }

  get address(): string {
    return `http://${this.#bind}`;
  }

  /** Of this run, as tests share a broker. */
  name(type: "ussd" | "sms"): string {
    return `${type}-${this.#id}`;
  }

  endpoint(type: "ussd" | "sms"): Endpoint {
    return endpointAt(this.address, type === "sms" ? "/sms" : "", HMAC);
  }

  /** What `init` asks, and what is answered. */
  answers(type: "ussd" | "sms"): readonly (readonly [question: string, answer: string])[] {
    const turn = type === "ussd" ? this.ussd : this.sms;
    return [
      ["connector_name:", this.name(type)],
      ["default_from_addr:", type === "ussd" ? CODE : "8110"],
      ["transport_type [", type],
      ...type === "ussd"
        ? [["http_bind [", this.#bind], ["amqp_url [", amqpUrl()]] as const
        : [["vumi_api_path [", "/sms"]] as const,
      ["auth_token:", TOKEN],
      ["turn_api_url:", turn.url],
      ["turn_hmac_secret [", HMAC],
    ];
  }

  /** Runs the program as the service does. */
  async start(): Promise<Running> {
    const args = ["run", "--config", `${this.#folder}/config.yaml`, "--log-format", "text"];
    const running = this.use(await Program.binary(this.#binary).start(args, {}, this.address));
    await until("health", async () => {
      const response = await fetch(`${this.address}/health`).catch(() => undefined);
      await response?.body?.cancel();
      return response?.status === 200;
    });
    return running;
  }

  /** Runs the document's next command, which is to show what stands there. */
  async shows(code: number, answers: readonly (readonly [string, string])[] = []): Promise<void> {
    const { command } = this.#block();
    const words = command.replaceAll("/etc/turn-channels", this.#folder)
      .replace("turn-channels", `'${this.#binary}'`)
      .replaceAll(/\b(ussd|sms)\b(?!-)/g, (type) => this.name(type as "ussd" | "sms"));
    const done = await converse(`cd '${this.#folder}' && ${words}`, answers);
    for (const line of this.#named(done.shown).split("\r\n")) {
      // Those have a line for each message or event, however long, so that they can be searched.
      assert.ok(line.length <= 80 || /parked list|find/.test(command), line);
    }
    this.says(done.shown);
    assert.equal(done.code, code, done.shown);
  }

  /** Whether a text is what the document's next block has. */
  says(text: string | undefined): void {
    const { command, output } = this.#block();
    this.#next++;
    if (text === undefined) return;
    const is = steady(this.#named(text));
    const parts = output.split(/^…$/m).map((part) => RegExp.escape(steady(part)));
    if (new RegExp(`^${parts.join("[^]*")}$`).test(is)) return;
    assert.fail(`${command}\n--- shows\n${text}\n--- as one line\n${is}\n--- but not\n${parts}`);
  }

  #block(): Block {
    return this.#blocks[this.#next] ?? assert.fail("The document has no further block");
  }

  /** With the names and addresses that the document has. */
  #named(text: string): string {
    return text.replaceAll(this.#bind, "127.0.0.1:8080")
      .replaceAll(this.ussd.url, "https://whatsapp.turn.io/v1/numbers/UUID-1")
      .replaceAll(this.sms.url, "https://whatsapp.turn.io/v1/numbers/UUID-2")
      .replaceAll(`${this.#folder}/turn-channels.kv`, "/var/lib/turn-channels/turn-channels.kv")
      .replaceAll("config.yaml (a usual place)", "/etc/turn-channels/config.yaml (a usual place)")
      .replaceAll(this.#folder, "/etc/turn-channels")
      .replaceAll(`-${this.#id}`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Without what differs from run to run, and on one line. */
function steady(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/\d{4}-\d\d-\d\d/g, "DAY")
    .replaceAll(/(?<=commit )[^)]*/g, "COMMIT")
    .replaceAll(/\d+ ms/g, "N ms")
    .replaceAll(/[0-9a-z]{8}…|[0-9a-f]{32}|(?:request\d+-)?[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
    .replaceAll(/^ {2}(?:outbound|inbound|statuses|held) .*$/gm, (row) => (
      // How many were done with depends on how fast it goes; what is parked does not.
      row.replaceAll(/\b\d+\b(?= )/g, "N")
    ))
    .replaceAll(/^( {2}delayed +)\d+/gm, "$1N")
    .replaceAll(/\d+ messages of\s+users/g, "N messages of users")
    .replaceAll(/amqp:\/\/[^\s,]+/g, "AMQP")
    .replaceAll(/\s+/g, " ").trim();
}

/** vumi2's side: its own transport and router if it can be had, else what they do. */
async function vumiOf(walk: Walk, python: string | undefined): Promise<() => Promise<string>> {
  const transport = walk.use(await Transport.connect(walk.name("ussd")));
  if (python === undefined) {
    const network = new Network(transport);
    return async () => {
      const phone = network.phone(USER);
      await phone.dial(CODE);
      return (await phone.screen()).text;
    };
  }
  await transport.takeNoMore();
  const connector = walk.name("ussd").replace("ussd", "aat");
  const queues = walk.use(await Transport.connect(connector));
  await queues.takeNoMore();
  const gateway = walk.use(await AatGateway.start(python, { port: freePort(), connector }));
  walk.use(
    await Vumi2Worker.start(python, "vumi2.routers.ToAddressRouter", {
      transport_names: [connector],
      to_address_mappings: [{ name: walk.name("ussd"), pattern: "\\*120\\*8864#" }],
    }, async () => await transport.consumers("outbound") > 0),
  );
  return async () => (await gateway.phone(USER).dial(CODE))[0];
}

/** Takes the walk with that program. What is not there is left out: vumi2's own workers, Prometheus. */
export async function takeWalk(
  { binary, python, hasPrometheus }: {
    readonly binary: string;
    readonly python: string | undefined;
    readonly hasPrometheus: boolean;
  },
): Promise<void> {
  await using walk = await Walk.open(binary, new URL("../../docs/walk.md", import.meta.url));
  const { ussd, sms } = walk;
  await walk.shows(0, walk.answers("ussd"));
  await walk.shows(0, walk.answers("sms"));
  const transport = walk.use(await Transport.connect(walk.name("sms")));
  transport.onOutbound = ({ message: { message_id: user_message_id } }) =>
    void transport.sendEvent({ event_type: "ack", user_message_id, sent_message_id: "p" });
  const dial = await vumiOf(walk, python);
  await walk.shows(0);
  const running = await walk.start();

  // A message each way, of each channel.
  using _flow = ussd.watch({
    called: ({ path }) =>
      path === "/messages" && void post(walk.endpoint("ussd"), USER, "Welcome to the clinic"),
  });
  assert.equal(await dial(), "Welcome to the clinic");
  const asks = (fields: Readonly<Record<string, string>>) =>
    transport.sendInbound({ from_addr: USER, timestamp: formatTimestamp(new Date()), ...fields });
  await asks({ message_id: "asked" });
  await sms.received(1);
  assert.equal((await post(walk.endpoint("sms"), USER, "Tomorrow at 10")).status, 200);
  await sms.received(2);
  await ussd.received(2);
  await until("the log", () => running.stderr().split(": delivered ").length > 4);
  walk.says(running.stderr());
  await walk.shows(0);

  // Turn refuses one message, and then it is down.
  sms.answer = () => new Response(null, { status: 404 });
  await asks({ message_id: "refused" });
  await until("it to be parked", async () => await transport.depth("inbound.parked") === 1);
  await using prometheus = hasPrometheus
    ? await Prometheus.start(new Map([["bridge", walk.address]]), scaled(alertRules()))
    : undefined;
  sms.answer = () => new Response(null, { status: 503 });
  const users = Array.from({ length: 12 }, (_, user) => `+2782000200${user}`);
  for (const from_addr of users) await asks({ from_addr });
  const isDown = async () => (await statusText(walk)).includes('"state":"down"');
  await until("Turn to be down", isDown);
  await prometheus?.fires("TurnDown", "bridge");
  const { summary = "", description = "" } =
    (await prometheus?.told("TurnDown", "bridge"))?.annotations ?? {};
  walk.says(prometheus === undefined ? undefined : `${summary}\n${description}`);
  await walk.shows(1);
  await walk.shows(0);

  // It is back.
  sms.answer = () => Response.json({});
  await until("Turn to be back", async () => !await isDown());
  await until(
    "all to be told",
    () => users.every((user) => JSON.stringify(sms.calls).includes(user)),
  );
  await walk.shows(0);
  await walk.shows(0, [["[y/N]", "y"]]);
  // What was seen of the queues a second ago is fresh enough for a person, who is slower than this.
  await until("it to be seen", async () => !(await statusText(walk)).includes('"parked":1'));
  await walk.shows(0);
  await walk.shows(0);
  await walk.shows(0);
  assert.equal(await running.stop("SIGTERM"), 0);
}

async function statusText({ address }: Walk): Promise<string> {
  return await (await fetch(`${address}/status`)).text();
}
