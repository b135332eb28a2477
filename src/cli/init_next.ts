// What is to be done after `init`: the next commands, vumi2's side, Turn's side, and a reverse proxy.

import { resolve } from "node:path";
import { shellWord } from "../async/mod.ts";
import { type ChannelConfig, formatBind, wrap } from "../config/mod.ts";

interface Made {
  readonly output: string;
  /** Where messages will be remembered; undefined if that was settled before. */
  readonly cache?: string;
  readonly channel: ChannelConfig;
  /** Whether Turn knows the channel already. */
  readonly isRegistered: boolean;
  /** Whether the file had channels before. */
  readonly isAdded: boolean;
}

const WIDTH = 80;

/** The last words of `init`. */
export function nextSteps(made: Made): string {
  const { output, cache, channel, isRegistered, isAdded } = made;
  const path = resolve(output);
  const quoted = shellWord(path);
  const wrote = isAdded
    ? `Added the channel ${channel.connector_name} to ${output}, which else says what it said.`
    : `Wrote ${output}, readable by you only. What has to be remembered will be in ${cache}.`;
  return [
    "",
    ...wrap(wrote, WIDTH),
    "",
    "Next:",
    `  turn-channels check --config ${quoted}`,
    ...isAdded ? [] : [`  turn-channels run --config ${quoted}`],
    // A unit takes no other paths.
    ...quoted === path ? [`  turn-channels systemd-unit --config ${path}`] : [],
    ...isAdded ? ["  systemctl restart turn-channels"] : [],
    "",
    "vumi2: in the configuration of this channel's transport, set",
    `  transport_name: ${channel.connector_name}`,
    "and the same amqp_url.",
    "",
    ...isRegistered ? [] : [...turn(channel), ""],
    ...proxy(channel),
    ...channel.transport_type === "ussd" ? ["", ...wrap(START_TEXT, WIDTH)] : [],
    "",
  ].join("\n");
}

const START_TEXT =
  'Turn will be told "hi" when somebody dials: make ussd.start_text in that file the word on which ' +
  "your flow starts.";

function turn({ vumi_api_path }: ChannelConfig): readonly string[] {
  return [
    "Turn: set the channel's endpoint to",
    `  https://bridge.example.org${vumi_api_path}/messages`,
    "and its hmac_secret to turn_hmac_secret in that file.",
  ];
}

/** The least; docs/operation.md has the whole, with time limits. */
function proxy({ http_bind, vumi_api_path }: ChannelConfig): readonly string[] {
  const path = `${vumi_api_path}/messages`;
  const bind = formatBind(http_bind);
  const [caddy, nginx] = http_bind.kind === "unix"
    ? [`unix/${http_bind.path}`, `unix:${http_bind.path}`]
    : [bind, bind];
  return [
    "A reverse proxy with TLS passes on that path. Caddy:",
    "  bridge.example.org {",
    `    reverse_proxy ${path} ${caddy}`,
    "  }",
    "nginx, in the server for bridge.example.org:",
    `  location = ${path} { proxy_pass http://${nginx}; }`,
  ];
}
