// `turn-channels preview`: what flows, as Turn exports them, look like on a phone. It reaches no server,
// and needs no configuration; of one it takes only what is about phones.

import { messageOf, shellWord } from "../async/mod.ts";
import { type ChannelConfig, readFromDisk } from "../config/mod.ts";
import {
  type FlowFile,
  formatHtml,
  formatText,
  preview as previewOf,
  type PreviewOptions,
  readSamples,
  type Samples,
  skeletonOf,
  summaryOf,
  type Unread,
  warningsOf,
} from "../preview/mod.ts";
import { contentOptionsOf } from "../service/content_options.ts";
import { ussdOptionsOf } from "../service/ussd_options.ts";
import { decodeRequest } from "../turn/request.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { plainJson, plainText, print, printError } from "./print.ts";

export interface PreviewFlags {
  readonly ussd?: true;
  readonly sms?: true;
  readonly connector?: string;
  readonly html?: string;
  readonly json?: true;
  readonly strict?: true;
  readonly values?: string;
  readonly writeValues?: string;
}

/** Exports are of a megabyte or two. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Shows flows; returns the exit code. */
export async function preview(
  names: readonly string[],
  channel: ChannelConfig,
  options: PreviewFlags,
): Promise<number> {
  refuseToLose(names, options);
  const samples = await samplesOf(options.values);
  const made = previewOptions(channel, options, samples);
  const unread: Unread[] = [];
  const files: FlowFile[] = [];
  for (const name of names) {
    const bytes = await read(name);
    if (typeof bytes === "string") unread.push({ file: name, where: "", why: bytes });
    else files.push({ name, bytes });
  }
  const found = previewOf(files, made);
  const whole = { ...found, unread: [...unread, ...found.unread] };
  if (options.writeValues !== undefined) {
    await writeValues(options.writeValues, skeletonOf(files, made), options.values);
  }
  if (options.html !== undefined) await write(options.html, formatHtml(whole));
  if (options.json) print(`${plainJson(whole, 2)}\n`);
  else if (options.html !== undefined) print(`${summaryOf(whole)} Wrote ${options.html}.\n`);
  else for (const text of inChunks(formatText(whole, shown))) print(text);
  if (whole.flows.length === 0) return EXIT.findings;
  const isFaulty = warningsOf(whole).length > 0 || whole.unread.length > 0;
  return options.strict && isFaulty ? EXIT.findings : EXIT.ok;
}

/** @throws {CommandError} If a flow would be lost: what is written is named as one. */
function refuseToLose(names: readonly string[], { html, writeValues }: PreviewFlags): void {
  const lost = [html, writeValues].find((path) => path !== undefined && names.includes(path)) ??
    // As with `--html *.json`.
    (html?.toLowerCase().endsWith(".json") ? html : undefined);
  if (lost === undefined) return;
  throw new CommandError(EXIT.usage, `${lost} may be a flow: write to a file of another name.`);
}

/** Safe for a terminal; what joins emoji and letters of many scripts is safe. */
function shown(text: string): string {
  return text.replace(/[^\u200c\u200d]+/gu, plainText);
}

function previewOptions(
  channel: ChannelConfig,
  { sms, ussd: asUssd }: PreviewFlags,
  samples: Samples,
): PreviewOptions {
  const ussd = ussdOptionsOf(channel);
  const isUssd = asUssd ?? (sms ? false : channel.transport_type === "ussd");
  return {
    ...contentOptionsOf(channel),
    medium: isUssd ? "ussd" : "sms",
    samples,
    startTexts: [
      ...ussd.startText === undefined ? [] : [ussd.startText],
      ...ussd.startTexts.values(),
    ],
    mergeWindowMs: ussd.mergeWindowMs,
    answerDeadlineMs: ussd.answerDeadlineMs(null),
    readMessage,
  };
}

/** What Turn has sent, as the bridge reads it. */
function readMessage(sent: Readonly<Record<"turn" | "content", unknown>>) {
  const read = decodeRequest(new TextEncoder().encode(JSON.stringify({ to: "0", ...sent })));
  return read.kind === "request" ? read.request : undefined;
}

async function samplesOf(path: string | undefined): Promise<Samples> {
  if (path === undefined) return new Map();
  const bytes = await read(path);
  const samples = typeof bytes === "string" ? bytes : readSamples(bytes);
  if (typeof samples !== "string") return samples;
  throw new CommandError(EXIT.usage, `Cannot use --values ${path}: ${samples}`);
}

async function writeValues(path: string, text: string, given: string | undefined): Promise<void> {
  // What somebody has filled in must not be lost.
  if (path !== given && await exists(path)) {
    throw new CommandError(
      EXIT.unavailable,
      `${path} exists. With --values ${shellWord(path)} too, what is missing is added to it.`,
    );
  }
  await write(path, [text]);
  printError(`Wrote ${path}: fill in samples, and show them with --values ${shellWord(path)}.\n`);
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

/** A file's bytes, or why there are none. */
async function read(path: string): Promise<Uint8Array | string> {
  try {
    const bytes = await readFromDisk(path, MOST_BYTES + 1);
    return bytes.length > MOST_BYTES ? `it has more than ${MOST_BYTES / 1024 / 1024} MiB` : bytes;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no such file";
    return `it can't be read: ${messageOf(error)}`;
  }
}

/** @throws {CommandError} If it can't be written. */
async function write(path: string, texts: Iterable<string>): Promise<void> {
  try {
    await Deno.writeTextFile(path, [...texts].join(""));
  } catch (error) {
    throw new CommandError(EXIT.unavailable, `Cannot write ${path}: ${messageOf(error)}`);
  }
}

/** Joins small texts, so that not each is written by itself. */
function* inChunks(texts: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const text of texts) {
    chunk += text;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}
