/**
 * Which RabbitMQ tests run on, and of which type its queues are: `--broker` and `--queues` of
 * `deno task test` and `deno task chaos`, kept in two variables for the processes of tests.
 *
 * @module
 */

/** RabbitMQ's versions that can be asked for. "own" is the machine's, whichever that is. */
export const BROKERS = ["own", "4.0", "4.3"] as const;
/** A version; see {@linkcode BROKERS}. */
export type BrokerVersion = typeof BROKERS[number];

/** Types that queues can be of. */
export const QUEUE_TYPES = ["classic", "quorum"] as const;
/** What queues are that are declared without a type. */
export type QueueType = typeof QUEUE_TYPES[number];

/** A server, as it is asked for. */
export interface BrokerChoice {
  /** Its version. */
  readonly version: BrokerVersion;
  /** The type of queues that are declared without one. */
  readonly queues: QueueType;
}

/** The variable with the command that starts newer servers: shared/tools/rabbitmq explains it. */
export const TOOL_VARIABLE = "TEST_RABBITMQ_TOOL";
const VERSION_VARIABLE = "TEST_BROKER";
const QUEUES_VARIABLE = "TEST_QUEUES";

/** What this run of tests is to be on, as it was asked for at the command line. */
export function brokerChoice(): BrokerChoice {
  return {
    version: oneOf(BROKERS, Deno.env.get(VERSION_VARIABLE) || "own", VERSION_VARIABLE),
    queues: oneOf(QUEUE_TYPES, Deno.env.get(QUEUES_VARIABLE) || "classic", QUEUES_VARIABLE),
  };
}

/** The same for the environment of test processes. */
export function choiceEnv({ version, queues }: BrokerChoice): Record<string, string> {
  return { [VERSION_VARIABLE]: version, [QUEUES_VARIABLE]: queues };
}

/**
 * Takes `--broker` and `--queues` out of a command line; what isn't given is as
 * {@linkcode brokerChoice} has it.
 *
 * @throws {RangeError} If one is something else than it can be.
 */
export function takeBrokerChoice(
  args: readonly string[],
): { readonly choice: BrokerChoice; readonly rest: string[] } {
  const found: Record<string, string> = {};
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [, name, given] = /^--(broker|queues)(?:=(.*))?$/.exec(args[at] ?? "") ?? [];
    if (name === undefined) rest.push(args[at] ?? "");
    else found[name] = given ?? args[++at] ?? "";
  }
  const { version, queues } = brokerChoice();
  const choice = {
    version: oneOf(BROKERS, found["broker"] ?? version, "--broker"),
    queues: oneOf(QUEUE_TYPES, found["queues"] ?? queues, "--queues"),
  };
  return { choice, rest };
}

/** Why a newer server can't be had here, for the name of an ignored test, if it can't. */
export function noNewerBroker(): string | undefined {
  if (Deno.env.get(TOOL_VARIABLE)) return undefined;
  return `${TOOL_VARIABLE} is not set: no newer RabbitMQ`;
}

function oneOf<T extends string>(all: readonly T[], value: string, name: string): T {
  const found = all.find((each) => each === value);
  if (found !== undefined) return found;
  throw new RangeError(`${name} must be one of ${all.join(", ")}: current value is '${value}'`);
}
