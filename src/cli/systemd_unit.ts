// `turn-channels systemd-unit`: a unit that gives the program the rights it needs and no others. Files
// with secrets, the time for stopping and a low port come from the configuration.

import { basename, isAbsolute, normalize } from "node:path";
import { channelVariable, type Config, loadConfig } from "../config/mod.ts";
import { validConfig } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { print } from "./print.ts";

interface UnitOptions {
  /** The configuration's path; the usual one, of which nothing is known, unless given. */
  readonly config?: string;
  readonly binary: string;
}

export async function systemdUnit({ config: path, binary }: UnitOptions): Promise<number> {
  const config = path === undefined
    ? undefined
    : validConfig(await loadConfig({ flags: { config: path }, env: {} }));
  const needs = needsOf(path ?? `${FOLDER}/config.yaml`, config);
  const unusable = [binary, ...needs.credentials.map(({ path }) => path)]
    .filter((path) => !PLAIN.test(path) || !isAbsolute(path));
  if (unusable.length > 0) {
    throw new CommandError(
      EXIT.usage,
      `Use absolute paths of letters, digits and . _ - + @ only, not: ${unusable.join(", ")}`,
    );
  }
  print(unit(binary, needs));
  return EXIT.ok;
}

/** What needs no quotes in a unit. */
const PLAIN = /^[\w./+@-]+$/;

/** Where a configuration usually lies, with the secrets of its own. */
const FOLDER = "/etc/turn-channels";

/** More seconds than the program needs after its deadline. */
const STOP_MARGIN = 15;
const DEFAULT_SHUTDOWN_TIMEOUT = 25;

/** File descriptors for all but calls to Turn: clients of ours above all, who can use up no more. */
const BASE_FILES = 4096;
const DEFAULT_CONCURRENCY = 20;

/** A file that only root can read, and the flag or variable that names it. */
interface Secret {
  /** As a credential. */
  readonly name: string;
  readonly path: string;
  readonly flag?: string;
  /** For one of several channels, as a flag would apply to all of them. */
  readonly variable?: string;
}

function needsOf(configPath: string, config: Config | undefined) {
  const isUsual = isInFolder(configPath);
  const secrets = (config === undefined ? [] : secretsOf(config))
    .filter(({ path }) => !isUsual || !isInFolder(path));
  const own = isUsual ? [] : [{ name: basename(configPath), path: configPath }];
  const inFolder = (name: string): string => `\${CREDENTIALS_DIRECTORY}/${name}`;
  return {
    isUsual,
    credentials: [...own, ...secrets],
    flags: [
      `--config=${isUsual ? configPath : inFolder(basename(configPath))}`,
      ...secrets.flatMap(({ flag, name }) => flag ? [`--${flag}=${inFolder(name)}`] : []),
    ],
    variables: secrets.flatMap(({ variable, name }) => variable ? [`${variable}=%d/${name}`] : []),
    stopSeconds: Math.ceil(config?.shutdown_timeout ?? DEFAULT_SHUTDOWN_TIMEOUT) + STOP_MARGIN,
    files: BASE_FILES + callsOf(config),
    lowPort: [config?.http_bind, config?.admin_bind].some((bind) =>
      bind?.kind === "tcp" && bind.port > 0 && bind.port < 1024
    ),
  };
}

function isInFolder(path: string): boolean {
  return normalize(path).startsWith(`${FOLDER}/`);
}

/** The most calls to Turn at once, each of which may have a connection of its own. */
function callsOf(config: Config | undefined): number {
  const concurrencies = config?.channels.map(({ worker_concurrency }) => worker_concurrency);
  return 2 * (concurrencies ?? [DEFAULT_CONCURRENCY]).reduce((sum, calls) => sum + calls, 0);
}

/** The files that the configuration names: not all are secret, but the program may have no right to them. */
function secretsOf({ channels, amqp }: Config): readonly Secret[] {
  const isOne = channels.length === 1;
  const all: readonly Secret[] = [
    ...channels.flatMap((channel, index) =>
      (["auth_token_file", "turn_hmac_secret_file"] as const).map((key) => {
        const flag = key.replaceAll("_", "-");
        const name = flag.replace(/-file$/, isOne ? "" : `-${index}`);
        const naming = isOne ? { flag } : { variable: channelVariable(index, key) };
        return { name, path: channel[key], ...naming };
      })
    ),
    { name: "amqp-password", path: amqp.password_file, flag: "amqp-password-file" },
    ...(["ca", "cert", "key"] as const).map((kind) => ({
      name: `amqp-tls-${kind}.pem`,
      path: amqp.tls[`${kind}_file`],
      flag: `amqp-tls-${kind}-file`,
    })),
  ];
  return all.filter(({ path }) => path !== "");
}

/**
 * Copies the folder to where root alone can enter, and shows the copies in its place. Those of
 * LoadCredential= would stay as they were at the start (systemd 252), so that a reload would find no
 * change. A command with + has all rights, but the same mounts: it finds the originals below /proc/1.
 * What can't be copied, as the dangling link of an editor, is no reason not to start: what is missing the
 * program names.
 */
const COPY = "+/bin/sh -c 'mkdir -pm 700 %t/turn-channels && cd %t/turn-channels && " +
  `mkdir -p etc && rm -rf etc/* && { cp -RL /proc/1/root${FOLDER}/. etc; chmod -R a+rX etc; }'`;
const COPIES = `# Of this folder they are made at each start and reload, and seen in its place.
ExecStartPre=${COPY}
ExecReload=${COPY}
ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
ExecStopPost=+/bin/rm -rf %t/turn-channels
BindReadOnlyPaths=-%t/turn-channels/etc:${FOLDER}
`;
const CREDENTIALS = "# Of these they are made at the start: after a change, restart.\n";

function unit(binary: string, needs: ReturnType<typeof needsOf>): string {
  const { isUsual, credentials, flags, variables, stopSeconds, files, lowPort } = needs;
  const right = lowPort ? "CAP_NET_BIND_SERVICE" : "";
  return `# Made by \`turn-channels systemd-unit\`, for /etc/systemd/system/turn-channels.service

[Unit]
Description=Bridge between Turn and vumi
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${[`${binary} run`, ...flags].join(" \\\n  ")}
Restart=on-failure
RestartSec=5
# 64 and 78: the command line or the configuration is wrong, which no restart fixes.
RestartPreventExitStatus=64 78
# shutdown_timeout, and a margin to return messages to their queues.
TimeoutStopSec=${stopSeconds}
# Connections of all kinds: clients of http_bind, and calls to Turn (channels and worker_concurrency).
LimitNOFILE=${files}

# A user of its own, made at each start; root keeps the files with secrets, and the program gets
# copies.
DynamicUser=yes
${isUsual ? COPIES : ""}${credentials.length > 0 ? CREDENTIALS : ""}${
    [
      ...credentials.map(({ name, path }) => `LoadCredential=${name}:${path}\n`),
      ...variables.map((variable) => `Environment=${variable}\n`),
    ].join("")
  }StateDirectory=turn-channels
StateDirectoryMode=0700
WorkingDirectory=%S/turn-channels
UMask=0077

# No rights${lowPort ? " but to listen on a port below 1024" : ""}, and no way to get any.
CapabilityBoundingSet=${right}
AmbientCapabilities=${right}
NoNewPrivileges=yes
RestrictSUIDSGID=yes
${lowPort ? "# Not with a port below 1024: PrivateUsers=yes" : "PrivateUsers=yes"}

# It sees no files but the system's, and writes none but its own below StateDirectory.
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
ProtectProc=invisible
ProcSubset=pid

# It changes nothing of the machine.
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes

# Network, and sockets in the file system; AF_UNIX is for name service too.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

# What a service needs; @pkey is how V8 protects the code that it makes. MemoryDenyWriteExecute=yes
# is not possible: V8 compiles to machine code while it runs, and would not start.
SystemCallArchitectures=native
SystemCallFilter=@system-service @pkey
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}
