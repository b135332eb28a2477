/**
 * `turn-channels find <id or address>`: what became of one message, or of a user's latest ones, and
 * where they are now, from the cache and the queues of a running system.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { DELIVERED_TTL_MS } from "../bridge/mod.ts";
import { CacheError, type MessageCache } from "../cache/mod.ts";
import type { ChannelConfig, Config } from "../config/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { needConfig, type Shell, withBroker } from "./config_command.ts";
import { EXIT } from "./exit_codes.ts";
import { type Queued, searchCache, searchQueues } from "../inspect/find_search.ts";
import { type Story, storyOf } from "../inspect/find_story.ts";
import type { ParkedBroker } from "../inspect/parked_messages.ts";
import { plainJson, plainText, print, printError } from "./print.ts";
import { openCaches } from "../service/caches.ts";

interface Options {
  readonly json?: boolean;
  readonly content?: boolean;
}

/** Adds the command to `program`. */
export function addFind(program: Command, shell: Shell): void {
  const command = program.command("find")
    .description(
      "show what became of a message, or of a user's latest ones, and where they are now",
    )
    .argument("<id>", "the id of a message or an event, or a user's address")
    .addOption(new Option("--json", "one JSON object a line for each message"))
    .addOption(new Option("--content", "also what the user wrote, if the message is parked"));
  needConfig(command, shell, (config) => find(config, command.args[0] ?? "", command.opts()));
}

/** Searches everywhere and prints what was found; returns the exit code. */
async function find(config: Config, query: string, options: Options): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const searches: ChannelSearch[] = [];
  for (const channel of config.channels) {
    searches.push(opened.use(await ChannelSearch.open(channel, query)));
  }
  const brokerCode = await withBroker(config, async (broker) => {
    for (const search of searches) await search.lookIntoQueues(broker);
    return EXIT.ok;
  });
  let found = 0;
  for (const search of searches) {
    for (const story of await search.stories(options.content ?? false)) {
      print(options.json ? `${plainJson(story)}\n` : formatStory(story, found > 0));
      found++;
    }
  }
  if (brokerCode !== EXIT.ok) return brokerCode;
  if (searches.some(({ failed }) => failed)) return EXIT.unavailable;
  if (found > 0) return EXIT.ok;
  printError(
    `${
      plainText(query)
    } was not found, neither in the cache (it is older than the cache keeps, or ` +
      "never came here) nor in a parking queue. Events that Turn already has are kept with their " +
      "message: search for the message's id.\n",
  );
  return EXIT.findings;
}

/** One channel's cache and queues. */
class ChannelSearch implements AsyncDisposable {
  /** Whether the cache could not be read. */
  failed = false;
  readonly #channel: ChannelConfig;
  readonly #query: string;
  #cache: MessageCache | undefined;
  #queued: Queued | undefined;
  readonly #opened = new AsyncDisposableStack();

  private constructor(channel: ChannelConfig, query: string) {
    this.#channel = channel;
    this.#query = query;
  }

  /** Opens the channel's cache; without it if that fails, which is printed. */
  static async open(channel: ChannelConfig, query: string): Promise<ChannelSearch> {
    const search = new ChannelSearch(channel, query);
    if (channel.message_cache_class === "MemoryMessageCache") {
      printError(
        "MemoryMessageCache is inside the running bridge, so only the parking queues can be searched, " +
          "and what waits for a retry is not known.\n",
      );
      return search;
    }
    try {
      [search.#cache] = await openCaches([channel], search.#opened);
    } catch (error) {
      search.#report(error);
    }
    return search;
  }

  async lookIntoQueues(broker: ParkedBroker): Promise<void> {
    const name = this.#channel.connector_name;
    const query = this.#query;
    this.#queued = await this.#trying((cache) => searchQueues({ name, broker, query, cache }));
  }

  /** What is known of each message found. */
  async stories(content: boolean): Promise<readonly Story[]> {
    const connector = this.#channel.connector_name;
    const parked = this.#queued?.parked ?? [];
    const found = await this.#trying((cache) => searchCache(this.#query, cache, parked));
    return found.map((one) =>
      storyOf(one, {
        connector,
        queues: queuesOf(connector),
        depths: this.#queued?.depths,
        hasCache: this.#cache !== undefined,
        noteTtlMs: DELIVERED_TTL_MS,
        now: Date.now(),
        content,
      })
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  /** Does `work`, and again without the cache if the cache fails. */
  async #trying<T>(work: (cache: MessageCache | undefined) => Promise<T>): Promise<T> {
    try {
      return await work(this.#cache);
    } catch (error) {
      this.#report(error);
      this.#cache = undefined;
      return await work(undefined);
    }
  }

  #report(error: unknown): void {
    if (!(error instanceof CacheError)) throw error;
    this.failed = true;
    printError(`${error.message}\n`);
  }
}

/** The story as text, with an empty line before it if it is not the first. */
function formatStory(story: Story, isFurther: boolean): string {
  const { kind, id, user, connector, steps, now, content } = story;
  const whose = user === null ? "" : kind === "inbound" ? ` from ${user}` : ` to ${user}`;
  const lines = [
    `Message ${id}${whose}, connector ${connector}`,
    ...steps.map(({ at, text }) => row(at === null ? "" : shortTime(at), text)),
    ...now.map((text, index) => row(index === 0 ? "now (times are UTC)" : "", text)),
    ...(content === undefined ? [] : [row("content", JSON.stringify(content))]),
  ];
  return `${isFurther ? "\n" : ""}${lines.map((line) => `${plainText(line)}\n`).join("")}`;
}

function row(head: string, text: string): string {
  return `  ${head.padEnd(19)}  ${text}`;
}

function shortTime(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}
