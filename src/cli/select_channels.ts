/**
 * Which of a configuration's channels a command is about.
 *
 * @module
 */

import type { ChannelConfig, Config } from "../config/mod.ts";
import { printError } from "./print.ts";

/** The flag's description, for commands that are about all channels unless it is given. */
export const CONNECTOR_HELP = "only the channel with this connector_name";

/** All channels, or the one of `connector`. Undefined, with a message printed, if there is none. */
export function selectChannels(
  { channels }: Config,
  connector: string | undefined,
): readonly ChannelConfig[] | undefined {
  if (connector === undefined) return channels;
  const selected = channels.filter(({ connector_name }) => connector_name === connector);
  if (selected.length > 0) return selected;
  printChoices(`There is no channel ${connector}`, channels);
  return undefined;
}

/** The one channel of a command. Undefined, with a message printed, if it is not clear which. */
export function selectChannel(
  config: Config,
  connector: string | undefined,
): ChannelConfig | undefined {
  const selected = selectChannels(config, connector);
  if (selected === undefined || selected.length === 1) return selected?.[0];
  printChoices("There are several channels", selected);
  return undefined;
}

function printChoices(what: string, channels: readonly ChannelConfig[]): void {
  const names = channels.map(({ connector_name }) => connector_name).join(", ");
  printError(`${what}; --connector must be one of: ${names}\n`);
}
