/**
 * What can go wrong: with us, with Turn, RabbitMQ and Redis, and with what comes in.
 *
 * @module
 */

import { closeOurs } from "../chaos/failing_broker.ts";
import { pick } from "../chaos/random.ts";
import { failure, page, type Plan } from "../chaos/turn.ts";
import type { TcpProxy } from "../support/tcp_proxy.ts";
import { connect, leaveDescriptors } from "./bad_input.ts";
import type { Stage } from "./stage.ts";

/** Makes it; what is answered mends it. */
type Begin = (stage: Stage) => unknown;

/** Something that goes wrong for a while, or in a moment. */
export interface Fault {
  /** What. */
  readonly name: string;
  /** Makes it. If a function is answered, that mends it after a while. */
  readonly begin: Begin;
  /**
   * Whether it ends the process; or nobody may notice it, as messages go on all the while; or Turn itself
   * fails, so that what is on its way then may be delayed, and come late.
   */
  readonly kind?: "end" | "unnoticed" | "turn";
}

const [SLOW_MS, CLIENTS, SPARE_DESCRIPTORS] = [2000, 300, 30];

const fault = (name: string, begin: Begin): Fault => ({ name, begin });
const unnoticed = (name: string, begin: Begin): Fault => ({ name, begin, kind: "unnoticed" });
const turn = (how: string, begin: Begin): Fault => ({ name: `Turn ${how}`, begin, kind: "turn" });

/** One of each. */
export const FAULTS: readonly Fault[] = [
  { name: "killed", kind: "end", begin: (stage) => again(stage, "SIGKILL") },
  { name: "stopped and started", kind: "end", begin: (stage) => again(stage, "SIGTERM") },
  fault("frozen", ({ bridge: { process } }) => {
    process.signal("SIGSTOP");
    return () => process.signal("SIGCONT");
  }),
  fault("no descriptor is left", async ({ bridge: { address, process } }) => {
    const giveBack = await leaveDescriptors(process.pid, SPARE_DESCRIPTORS);
    const leave = await connect(address, 2 * SPARE_DESCRIPTORS);
    return async () => {
      await giveBack();
      leave();
    };
  }),
  unnoticed("SIGHUP", ({ bridge: { process } }) => process.signal("SIGHUP")),
  unnoticed("nobody reads the log", ({ bridge: { process } }) => {
    process.leaveLog();
    return () => process.readLog();
  }),
  unnoticed("half requests", ({ bridge }) => connect(bridge.address, CLIENTS)),
  unnoticed("malformed input", ({ bad }) => bad.malformed()),
  unnoticed("poison", ({ bad }) => bad.poison()),
  turn("refuses connections", async ({ turn }) => {
    await turn.leave();
    return () => turn.comeBack();
  }),
  turn("is slow", ({ turn }) => {
    turn.latencyMs = SLOW_MS;
    return () => turn.latencyMs = 0;
  }),
  answers("503", () => failure(503)),
  answers("503 with Retry-After: 600", () => ({
    ...failure(503),
    headers: { "retry-after": "600" },
  })),
  answers("502 with a page", () => page(502)),
  answers("200 with a page", () => page(200)),
  answers("redirects", ({ answerRandom }) => {
    const status = pick(answerRandom, [301, 302, 303, 307, 308]);
    return page(status, { location: "https://turn.example/maintenance" });
  }),
  answers(
    "500 at times",
    ({ answerRandom }) => answerRandom() < 0.3 ? failure(500) : { status: 200 },
  ),
  answers("nothing", () => "hang"),
  answers("half of something", ({ answerRandom }) => pick(answerRandom, ["reset", "torn"])),
  fault("RabbitMQ's connections are cut", ({ proxy }) => proxy.cut()),
  fault("RabbitMQ closes our connections", ({ server }) => closeOurs(server)),
  fault("RabbitMQ refuses connections", ({ proxy }) => refuse(proxy)),
  fault("RabbitMQ is silent", ({ proxy }) => silence(proxy)),
  fault("RabbitMQ is restarted", restartBroker),
  fault("RabbitMQ has a memory alarm", async ({ server }) => {
    await server.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1");
    return () => server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
  }),
  fault("Redis refuses connections", ({ redisProxy }) => refuse(redisProxy)),
  fault("Redis is silent", ({ redisProxy }) => silence(redisProxy)),
  fault("Redis is read-only", async ({ redis }) => {
    // A replica of a primary that is nowhere keeps what it has.
    await redis.command("REPLICAOF 127.0.0.1 1");
    return () => redis.command("REPLICAOF NO ONE");
  }),
];

function answers(what: string, answer: (stage: Stage) => ReturnType<Plan>): Fault {
  return turn(`answers ${what}`, (stage) => {
    stage.turn.plan = () => answer(stage);
    return () => stage.turn.plan = () => ({ status: 200 });
  });
}

async function again({ bridge }: Stage, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const code = await bridge.stop(signal);
  await bridge.start();
  if (signal === "SIGTERM" && code !== 0) throw new Error(`it ended with exit code ${code}`);
}

async function refuse(proxy: TcpProxy): Promise<() => Promise<void>> {
  await proxy.refuse();
  proxy.cut();
  return () => proxy.accept();
}

function silence(proxy: TcpProxy): () => void {
  proxy.stall();
  return () => proxy.resume();
}

/** With the operators out of the way, so that they do not lose anything themselves. */
async function restartBroker({ operators, feed, server }: Stage): Promise<void> {
  await feed.pause();
  for (const operator of operators) await operator.leave();
  await server.stop();
  await server.start();
  for (const operator of operators) await operator.connect();
  feed.resume();
}
