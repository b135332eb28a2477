/**
 * Which of a configuration's channels a command is about.
 *
 * @module
 */

import type { ChannelConfig, Config } from "../config/mod.ts";
import { printError } from "./print.ts";

/** The flag's description, for commands that are about all channels unless it is given. */
export const CONNECTOR_HELP = "of several channels, only the one with this connector_name";

/** That with this connector, or all. Undefined, and said so, if there is none of that name. */
export function selectChannels(
  { channels }: Config,
  connector: string | undefined,
): readonly ChannelConfig[] | undefined {
  if (connector === undefined) return channels;
  const meant = channels.filter(({ connector_name }) => connector_name === connector);
  if (meant.length > 0) return meant;
  complain(`No channel is ${connector}`, channels);
  return undefined;
}

/** The same for what can be about one only. Undefined, and said so, if it is not clear which. */
export function selectChannel(
  config: Config,
  connector: string | undefined,
): ChannelConfig | undefined {
  const meant = selectChannels(config, connector);
  if (meant === undefined || meant.length === 1) return meant?.[0];
  complain("There are several channels", meant);
  return undefined;
}

function complain(what: string, channels: readonly ChannelConfig[]): void {
  const names = channels.map(({ connector_name }) => connector_name).join(", ");
  printError(`${what}; --connector must be one of: ${names}\n`);
}
