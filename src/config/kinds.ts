// The kinds of value that a configuration key can have: for each the rule, which also converts what is
// written (always a string in the environment and in flags), and what an operator reads about it.

import * as z from "zod";
import { hasKnownOptions, isAmqpUrl, isRedisUrl, parseBind, parseHost } from "./addresses.ts";

/**
 * How much of a value must never be shown: nothing, the password inside a URL, or all of it; or, for
 * the path of a secret, all that does not begin as paths do and so may be the secret itself.
 */
export type Secrecy = "none" | "password" | "path" | "whole";

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

interface Kind {
  /** What is expected, in words. */
  readonly type: string;
  readonly secrecy: Secrecy;
  /** Whether it is a mapping whose names are the operator's. */
  readonly isMap: boolean;
  /** How the file has it, where the rule alone does not say. */
  readonly written?: JsonSchema;
}

const kinds = z.registry<Kind>();

/** The kind of a key's schema; undefined for one that is a group of keys. */
export function kindOf(schema: z.core.$ZodType): Kind | undefined {
  const isWrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return kinds.get(isWrapped ? schema.unwrap() : schema);
}

export function kind<T extends z.ZodType>(
  type: string,
  rule: T,
  more: Partial<Kind> = {},
): T {
  const schema = rule.clone(); // Several kinds may have the same rule.
  kinds.add(schema, { type, secrecy: "none", isMap: false, ...more });
  return schema;
}

/** A string; lone surrogates are refused because they can't be sent as UTF-8, nor be in a URL. */
const string = z.string().refine((value) => value.isWellFormed());

export const text = kind("text, not empty", string.min(1));

/** What somebody reads, or a flow is told. */
export const notBlank = kind("text, not blank", string.regex(/\S/));

/** Text for a small screen, of 1 to `max` characters. */
export function shortLine(max: number): z.ZodType<string> {
  const rule = string.regex(new RegExp(`^(?=.*\\S).{1,${max}}$`, "u"));
  return kind(`text of 1 to ${max} characters on one line`, rule);
}

/** What is shown in brackets, without them. */
export const word = kind(
  "text on one line, not empty, without [ and ]",
  string.regex(/^(?=.*\S)(?!.*[[\]]).*$/),
);

/** What can be typed on a phone. Without quotes # begins a comment in YAML, and * an alias. */
export const phoneKeys = kind(
  "1 to 3 keys of a phone, which are 0-9, * and #; in the file with quotes around * and #",
  z.string().regex(/^[0-9*#]{1,3}$/),
  {
    written: {
      anyOf: [
        { type: "string", pattern: "^[0-9*#]{1,3}$" },
        { type: "integer", minimum: 0, maximum: 999 },
      ],
    },
  },
);

export const password = kind("text", string, { secrecy: "whole" });

export const unusedSecret: z.ZodType<string | null> = password;

/**
 * Keys to sign with: one, or in the file a list. Text is always one, as a key may hold any separator.
 * A line break at its end was pasted along, and no signature would match.
 */
export const signingSecrets = kind(
  "text, not empty, without a line break at its end; in the file also a list of up to 10",
  z.preprocess(
    (raw) => typeof raw === "string" ? [raw] : raw,
    z.array(string.regex(/[^\r\n]$/)).min(1).max(10).readonly(),
  ),
  {
    secrecy: "whole",
    written: {
      anyOf: [
        { type: "string", minLength: 1 },
        { type: "array", items: { type: "string", minLength: 1 }, minItems: 1, maxItems: 10 },
      ],
    },
  },
);

export const secretPath = kind("path of a file", string, { secrecy: "path" });

/** A bearer token. Spaces are refused for the word "Bearer", which does not belong to it. */
export const token = kind(
  'ASCII text without spaces and line breaks, also at its end, and without the word "Bearer"',
  z.string().regex(/^[\x21-\x7e]+$/),
  { secrecy: "whole" },
);

/**
 * The first part of queue names. AMQP has room for 255 bytes, and the longest ending is 31; names
 * that begin with "amq." are the broker's own.
 */
export const queueName = kind(
  'text of 1 to 200 printable ASCII characters without spaces, not beginning with "amq."',
  z.string().regex(/^(?!amq\.)[\x21-\x7e]{1,200}$/),
);

export const bind = kind(
  "host:port, [::1]:port or unix:/path",
  z.string().transform((value, context) => {
    const read = parseBind(value);
    if (read !== undefined) return read;
    context.addIssue({ code: "custom" });
    return z.NEVER;
  }),
);

const writtenList: JsonSchema = {
  anyOf: [{ type: "string" }, { type: "array", items: { type: "string" }, minItems: 1 }],
};

export const hostList = kind(
  "host name or IP address, also with :port; several in a list, or with commas between",
  z.preprocess(
    (raw) => typeof raw === "string" ? raw.split(",").map((host) => host.trim()) : raw,
    z.array(z.string().refine(isHost)).min(1).readonly(),
  ),
  { written: writtenList },
);

function isHost(text: string): boolean {
  const read = parseHost(text);
  return read !== undefined && read.port !== 0;
}

/** But neither . nor .. */
const SEGMENT = /^(?!\.{1,2}$)[\w.~-]+$/;

/** "", or with a slash before and none after it. */
export const urlPath = kind(
  "path of letters, digits and - . _ ~ between slashes",
  z.string()
    .transform((path) => path.replace(/^\/*(.*?)\/*$/, "$1"))
    .refine((path) => path === "" || path.split("/").every((part) => SEGMENT.test(part)))
    .transform((path) => path === "" ? "" : `/${path}`),
);

const httpUrlText = string
  .refine((url) => /^https?:\/\/[^\s@?#\\/][^\s@?#\\]*$/i.test(url) && URL.canParse(url));

export const httpUrl = kind(
  "http:// or https:// URL without user and password, ?query and #fragment",
  httpUrlText.transform((url) => url.replace(/\/+$/, "")),
);

/** A file, or a server of Deno KV. */
export const kvPath = kind(
  "path of a file, or http:// or https:// URL without user and password, ?query and #fragment",
  string.refine((path) => !/^https?:/i.test(path) || httpUrlText.safeParse(path).success),
);

const MEMORY = "memory:";

const brokerUrl = z.string().superRefine((url, context) => {
  if (url === MEMORY || (isAmqpUrl(url) && hasKnownOptions(url))) return;
  const expected = isAmqpUrl(url)
    ? "an AMQP URL with nothing after a ? but heartbeat=SECONDS, a whole number up to 65535"
    : undefined;
  context.addIssue({ code: "custom", params: { expected } });
});

export const brokerUrls = kind(
  "amqp://user:password@host:port/vhost, amqps:// or memory:, with what is special in user, " +
    "password and vhost percent-encoded; several in a list, or with commas between",
  z.preprocess(
    // A password may hold a comma.
    (raw) => raw === "" ? [] : typeof raw === "string" ? raw.split(/,\s*(?=amqps?:\/\/)/i) : raw,
    z.array(brokerUrl).readonly().refine((urls) => urls.length < 2 || !urls.includes(MEMORY)),
  ),
  { secrecy: "password", written: writtenList },
);

export const filePath = kind("path of a file", string);

export const hostName = kind("host name", z.string().regex(/^[\w.-]*$/));

/** "" leaves the choice to the server. */
export const queueType = kind(
  'classic, quorum, or "" for the default of the virtual host',
  z.enum(["", "classic", "quorum"]),
);

export const redisUrlText = kind(
  "redis://user:password@host:port/database, or with Sentinel " +
    "redis+sentinel://user:password@host:port,host:port/NAME/database; rediss for TLS; what is " +
    "special in user and password percent-encoded",
  z.string().refine((url) => url === "" || isRedisUrl(url)),
  { secrecy: "password" },
);

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function toNumber(raw: unknown): unknown {
  return typeof raw === "string" && DECIMAL.test(raw.trim()) ? Number(raw) : raw;
}

/** A duration in seconds above 0, fractions allowed. */
export function seconds(max: number): z.ZodType<number> {
  const rule = z.preprocess(toNumber, z.number().gt(0).max(max));
  return kind(`seconds, more than 0, at most ${max}`, rule);
}

/** A duration in seconds that may be 0, fractions allowed. */
export function secondsOrZero(max: number): z.ZodType<number> {
  return kind(`seconds, 0 to ${max}`, z.preprocess(toNumber, z.number().min(0).max(max)));
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return kind(`whole number, ${range}`, z.preprocess(toNumber, z.int().min(min).max(max)));
}

export function secondsList(max: number): z.ZodType<readonly number[]> {
  return kind(
    `list of 1 to 50 numbers of seconds, each 0.001 to ${max}; as text with commas between`,
    z.preprocess(
      (raw) => (typeof raw === "string" ? raw.split(",") : raw),
      z.array(z.preprocess(toNumber, z.number().min(0.001).max(max))).min(1).max(50),
    ),
  );
}

/** One of a few words, into which `read` converts what is written. */
export function oneOf<const T extends string>(
  words: readonly [T, ...T[]],
  read?: (written: string) => string,
): z.ZodType<T> {
  const rule = z.string().transform(read ?? ((written) => written)).pipe(z.enum(words));
  // With `read` other words are valid too, but editors should offer these.
  const written = read === undefined
    ? { enum: words }
    : { anyOf: [{ enum: words }, { type: "string" }] };
  return kind(`one of ${words.join(", ")}`, rule, { written });
}

/** As vumi has them. */
export const transportTypes = oneOf(
  ["http_api", "irc", "telnet", "twitter", "sms", "ussd", "xmpp", "mxit", "wechat"],
);

const WORDS: ReadonlyMap<string, boolean> = new Map([["true", true], ["false", false]]);

export const yesOrNo = kind(
  "true or false",
  z.preprocess((raw) => typeof raw === "string" ? WORDS.get(raw.toLowerCase()) : raw, z.boolean()),
);

/** A list of vumi2's middlewares, which must be empty. */
export const noMiddlewares = kind(
  "empty list, because this program has no middlewares",
  z.preprocess(fromJson, z.array(z.unknown())).superRefine((entries, context) => {
    for (const entry of entries) {
      const read = z.object({ class_path: z.string().regex(/^[\w.]{1,200}$/) }).safeParse(entry);
      const name = read.success ? read.data.class_path : "an entry without class_path";
      context.addIssue({
        code: "custom",
        params: { expected: `empty list: this program has no middlewares, so not ${name}` },
      });
    }
  }),
  { written: { type: "array", items: {}, maxItems: 0 } },
);

/** Text as the JSON that it is, for what no variable and no flag could hold otherwise. */
export function fromJson(raw: unknown): unknown {
  if (typeof raw !== "string") return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw; // A string, which the rule that follows refuses.
  }
}
