// `turn-channels find <id or address>`: what became of one message, or of a user's of the last day, how the
// user's USSD session went, and where all is now, from the cache and the queues of a running system.

import { type Command, Option } from "commander";
import type { MessageCache } from "../cache/mod.ts";
import type { ChannelConfig, Config, ConfigPlace } from "../config/mod.ts";
import { isOwnId, type Queued, searchCache, searchQueues } from "../inspect/find_search.ts";
import { type Story, storyOf } from "../inspect/find_story.ts";
import { formatTime } from "../inspect/find_waiting.ts";
import { openCaches } from "../service/caches.ts";
import { ussdOptionsOf } from "../service/ussd_options.ts";
import { needConfig, openBroker, type Shell, withConfig } from "./config_command.ts";
import { commandError, EXIT } from "./exit_codes.ts";
import { plainJson, plainText, print, printError } from "./print.ts";

interface Options {
  readonly json?: boolean;
  readonly content?: boolean;
  readonly file?: ConfigPlace | undefined;
}

export function addFind(program: Command, shell: Shell): void {
  const command = program.command("find")
    .description(
      "show what became of a message, or of a user's of the last 24 hours, of the USSD session, and where they are now",
    )
    .argument(
      "<id>",
      "the id of a message or an event, or a user's address, with or without its plus",
    )
    .addOption(new Option("--json", "one JSON object a line for each message"))
    .addOption(
      new Option(
        "--content",
        "also what the user wrote, if the message is parked, what the phone was shown, and what the next dial shows",
      ),
    );
  needConfig(command, shell, (config, _warnings, _load, file) => {
    return find(config, command.args[0] ?? "", { ...command.opts(), file });
  });
}

/** Searches everywhere and prints what was found; returns the exit code. */
async function find(config: Config, query: string, options: Options): Promise<number> {
  await using opened = new AsyncDisposableStack();
  let code: number | undefined;
  /** Reports what can't be searched, and goes on with the rest. */
  const orWithout = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      const { exitCode, message } = commandError(error);
      printError(`${withConfig(message, options.file)}\n`);
      code ??= exitCode;
      return undefined;
    }
  };
  const isKept = config.message_cache_class !== "MemoryMessageCache";
  if (!isKept) {
    printError(
      "MemoryMessageCache is inside the running bridge, so only the parking queues can be searched, " +
        "and what waits for a retry is not known.\n",
    );
  }
  const caches = isKept
    ? await orWithout(() => openCaches(config.channels, opened, "look"))
    : undefined;
  const queued = new Map<ChannelConfig, Queued>();
  await orWithout(async () => {
    const broker = await openBroker(config, opened);
    for (const channel of config.channels) {
      const addresses = caches?.of.get(channel)?.addresses;
      queued.set(channel, await searchQueues(channel.connector_name, broker, query, addresses));
    }
  });
  let found = 0;
  for (const channel of config.channels) {
    const { parked = [], depths } = queued.get(channel) ?? {};
    const search = async (cache: MessageCache | undefined): Promise<readonly Story[]> => {
      const around = {
        connector: channel.connector_name,
        content: options.content ?? false,
        depths,
        hasCache: cache !== undefined,
        now: Date.now(),
        ussd: ussdOptionsOf(channel),
      };
      return (await searchCache(query, cache, parked)).map((one) => storyOf(one, around));
    };
    const stories = await orWithout(() => search(caches?.of.get(channel)));
    for (const story of stories ?? await search(undefined)) {
      const text = () => withConfig(formatStory(story, found > 0), options.file);
      const now = story.now.map((line) => withConfig(line, options.file));
      print(options.json ? `${plainJson({ ...story, now })}\n` : text());
      found++;
    }
  }
  if (code !== undefined) return code;
  if (found > 0) return EXIT.ok;
  const sought = plainText(query);
  if (isOwnId(query)) {
    printError(`${sought} is a screen of the bridge's own: search for its user's address.\n`);
    return EXIT.findings;
  }
  printError(
    `${sought} was not found, neither in the cache (it is older than the cache keeps, or ` +
      "never came here) nor in a parking queue. Events that Turn already has are kept with their " +
      "message: search for the message's id.\n",
  );
  return EXIT.findings;
}

/** The story as text, with an empty line before it if it is not the first. */
function formatStory(story: Story, isFurther: boolean): string {
  const { kind, id, user, connector, steps, now, content } = story;
  const whose = user === null ? "" : kind === "inbound" ? ` from ${user}` : ` to ${user}`;
  const what = kind === "session" ? `USSD session of ${id}` : `Message ${id}${whose}`;
  const lines = [
    `${what}, connector ${connector}`,
    ...steps.map(({ at, text }) => row(at === null ? "" : formatTime(at), text)),
    ...now.map((text, index) => row(index === 0 ? "now (times are UTC)" : "", text)),
    ...(content === undefined ? [] : [row("content", JSON.stringify(content))]),
  ];
  return `${isFurther ? "\n" : ""}${lines.map((line) => `${plainText(line)}\n`).join("")}`;
}

function row(head: string, text: string): string {
  return `  ${head.padEnd(19)}  ${text}`;
}
