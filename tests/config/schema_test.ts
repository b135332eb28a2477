/**
 * Each key's default and rule, one row each.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configKeys } from "../../src/config/mod.ts";
import { faults, load, REQUIRED, valid } from "./support.ts";

Deno.test("loadConfig() has the specification's defaults", async () => {
  const { channels, ...config } = await valid({});
  assert.deepEqual(channels, [config]);
  assert.deepEqual(config, {
    connector_name: "turn",
    default_from_addr: "8110",
    transport_type: "sms",
    empty_message_body: undefined,
    menu_timeout: 86400,
    menu_reply: "auto",
    text_encoding: "as_is",
    ussd: {
      session_timeout: 180,
      page_chars: 182,
      more_key: "98",
      more_text: "More",
      max_pages: 6,
      merge_window: 2,
      settle: 0.2,
      answer_deadline: 8,
      answer_deadlines: {},
      hold_text: undefined,
      hold_max: 2,
      sorry_text: "Sorry, this takes too long. Please dial again later.",
      late: undefined,
      start_text: undefined,
      start_texts: {},
      resume_window: 0,
      continue_text: "Continue",
      restart_text: "Start again",
    },
    sms_fallback: {
      transport_name: undefined,
      from_addr: undefined,
      transport_type: "sms",
      address: "as_is",
      mode: "notice",
      notice_text: undefined,
    },
    default_country: undefined,
    contact_ids: "as_is",
    sms: {
      long: "pass",
      max_parts: 4,
      resend_for: 900,
      max_per_second: 0,
      unacked_after: 60,
      fail_unacked: false,
    },
    report_states: {},
    words: {
      picture: "Picture",
      video: "Video",
      voice_message: "Voice message",
      document: "Document",
    },
    templates: {},
    http_bind: { kind: "tcp", hostname: "127.0.0.1", port: 8080 },
    admin_bind: undefined,
    vumi_api_path: "",
    turn_hmac_secret: ["s3cret"],
    turn_hmac_secret_file: "",
    request_timeout: 4.5,
    outbound_dedupe_window: 0,
    max_body_bytes: 1048576,
    turn_api_url: "https://turn.example/v1",
    auth_token: "t0ken",
    auth_token_file: "",
    mo_message_url_timeout: 10,
    event_url_timeout: 10,
    max_retries: 3,
    retry_delay_base: 2,
    retry_delay_exponent: 2,
    retry_schedule: [5, 60, 300, 1800, 7200, 21600, 43200],
    retry_for: 259200,
    ussd_retry_for: 120,
    status_format: "flat",
    failed_status: "sent",
    compact_statuses: true,
    amqp: {
      hostname: ["127.0.0.1"],
      port: undefined,
      username: "guest",
      password: "guest",
      password_file: "",
      vhost: "/",
      tls: { ca_file: "", cert_file: "", key_file: "", server_name: "" },
      queue_type: "",
      consumer_timeout: 1800,
    },
    amqp_url: [],
    worker_concurrency: 20,
    partitions: 0,
    message_cache_class: "MemoryMessageCache",
    message_cache_config: {
      timeout: 3600,
      outbound_timeout: 86400,
      path: "",
      url: "",
      sentinel_username: undefined,
      sentinel_password: "",
      key_prefix: "turn-channels:",
    },
    log_level: "INFO",
    log_format: "auto",
    log_addresses: false,
    log_content: false,
    shutdown_timeout: 25,
    middlewares: [],
    sentry_dsn: null,
  });
});

const REQUIRED_KEYS = Object.keys(REQUIRED).map((name) => name.toLowerCase()).sort();

Deno.test("configKeys marks as required what the specification does, and nothing else", () => {
  const required = configKeys.filter(({ required }) => required).map(({ path }) => path).sort();
  assert.deepEqual(required, REQUIRED_KEYS);
});

for (const path of REQUIRED_KEYS) {
  const name = path.toUpperCase();
  Deno.test(`${path} is required, and an empty one is missing`, async () => {
    const { [name]: _, ...rest } = REQUIRED;
    const absent = await load({ env: rest });
    assert.ok(absent.kind === "faulty");
    const [empty, ...others] = await faults({ env: { [name]: "" } });
    assert.deepEqual(others, []);
    const [fault] = absent.faults;
    assert.deepEqual([fault?.key, fault?.value, empty?.key, empty?.value], [
      path,
      undefined,
      path,
      '""',
    ]);
    assert.match(fault?.expected ?? "", /^required: ./);
    assert.equal(empty?.expected, fault?.expected);
    assert.equal(empty?.source, `environment variable ${name}`);
  });
}

/** Variable, what is written, and what it becomes. */
const ACCEPTED: readonly (readonly [string, string, unknown])[] = [
  ["HTTP_BIND", "localhost:0", { kind: "tcp", hostname: "localhost", port: 0 }],
  ["HTTP_BIND", "0.0.0.0:65535", { kind: "tcp", hostname: "0.0.0.0", port: 65535 }],
  ["HTTP_BIND", "[::1]:8080", { kind: "tcp", hostname: "::1", port: 8080 }],
  ["HTTP_BIND", "unix:/run/turn.sock", { kind: "unix", path: "/run/turn.sock" }],
  ["ADMIN_BIND", "[::1]:9090", { kind: "tcp", hostname: "::1", port: 9090 }],
  ["VUMI_API_PATH", "/", ""],
  ["VUMI_API_PATH", "api/v1/", "/api/v1"],
  ["VUMI_API_PATH", "//a-b_c.d~//", "/a-b_c.d~"],
  ["TURN_API_URL", "http://localhost:4000/v1//", "http://localhost:4000/v1"],
  ["TURN_API_URL", "https://turn.example/", "https://turn.example"],
  ["TURN_HMAC_SECRET", " any\nthing ü ", [" any\nthing ü "]],
  ["TURN_HMAC_SECRET", '["a, b", "c"]', ['["a, b", "c"]']],
  ["AUTH_TOKEN", "a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="],
  ["CONNECTOR_NAME", "c".repeat(200), "c".repeat(200)],
  ["REQUEST_TIMEOUT", "0.25", 0.25],
  ["REQUEST_TIMEOUT", " 86400 ", 86400],
  ["MO_MESSAGE_URL_TIMEOUT", "1e1", 10],
  ["EVENT_URL_TIMEOUT", ".5", 0.5],
  ["TRANSPORT_TYPE", "http_api", "http_api"],
  ["TRANSPORT_TYPE", "ussd", "ussd"],
  ["MENU_TIMEOUT", "0.5", 0.5],
  ["MENU_REPLY", "interactive", "interactive"],
  ["TEXT_ENCODING", "gsm7", "gsm7"],
  ["TEMPLATES", "{}", {}],
  ["TEMPLATES", '{"a":{"text":"{{1}}"}}', { a: { text: "{{1}}", buttons: [] } }],
  ["CONTACT_IDS", "e164", "e164"],
  ["DEFAULT_COUNTRY", "ZA", "ZA"],
  ["DEFAULT_COUNTRY", "za", "ZA"],
  ["REPORT_STATES", "{}", {}],
  ["REPORT_STATES", '{"status":{"GONE":"failed"}}', { status: { GONE: "failed" } }],
  ["MESSAGE_CACHE_CLASS", "vumi2.message_caches.MemoryMessageCache", "MemoryMessageCache"],
  ["MAX_RETRIES", "0", 0],
  ["RETRY_DELAY_EXPONENT", "0", 0],
  ["RETRY_DELAY_BASE", "0", 0],
  ["RETRY_SCHEDULE", "5", [5]],
  ["RETRY_SCHEDULE", "0.001, 60 ,2592000", [0.001, 60, 2592000]],
  ["RETRY_SCHEDULE", Array(50).fill("1").join(","), Array(50).fill(1)],
  ["RETRY_FOR", "0", 0],
  ["USSD_RETRY_FOR", "0.5", 0.5],
  ["COMPACT_STATUSES", "false", false],
  ["COMPACT_STATUSES", "true", true],
  ["OUTBOUND_DEDUPE_WINDOW", "86400", 86400],
  ["AMQP_URL", "memory:", ["memory:"]],
  ["AMQP_URL", "", []],
  ["AMQP_URL", "amqp://h", ["amqp://h"]],
  ["AMQP_URL", "amqp://h?", ["amqp://h?"]],
  [
    "AMQP_URL",
    "amqps://u:p%40@[::1]:5671/%2f?heartbeat=5",
    ["amqps://u:p%40@[::1]:5671/%2f?heartbeat=5"],
  ],
  ["AMQP_URL", "amqp://u:a,b@h/v,amqps://h2,  amqp://h3", [
    "amqp://u:a,b@h/v",
    "amqps://h2",
    "amqp://h3",
  ]],
  ["WORKER_CONCURRENCY", "1", 1],
  ["WORKER_CONCURRENCY", "65535", 65535],
  ["PARTITIONS", "0", 0],
  ["PARTITIONS", "64", 64],
  ["LOG_LEVEL", "debug", "DEBUG"],
  ["LOG_LEVEL", "Critical", "CRITICAL"],
  ["LOG_FORMAT", "json", "json"],
  ["LOG_ADDRESSES", "true", true],
  ["LOG_CONTENT", "False", false],
  ["MIDDLEWARES", "[]", []],
  ["STATUS_FORMAT", "nested", "nested"],
  ["FAILED_STATUS", "failed", "failed"],
  ["EMPTY_MESSAGE_BODY", "(empty)", "(empty)"],
  ["MAX_BODY_BYTES", "1", 1],
  ["SHUTDOWN_TIMEOUT", "0", 0],
];

for (const [name, written, expected] of ACCEPTED) {
  Deno.test(`${name}=${written.slice(0, 60)} is taken`, async () => {
    const config = await valid({ env: { [name]: written } });
    assert.deepEqual(
      Object.entries(config).find(([key]) => key.toUpperCase() === name)?.[1],
      expected,
    );
  });
}

/** Variables, and values that each of them refuses. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  HTTP_BIND: [
    ":8080",
    "8080",
    "localhost",
    "localhost:",
    "localhost:65536",
    "::1:8080",
    "[::1]",
    "[::g]:1",
    "http://localhost:80",
    "unix:",
    "1.2.3.999:80",
  ],
  ADMIN_BIND: ["9090", ""],
  VUMI_API_PATH: ["/a b", "/a?b", "/:id", "/a//b", "/../a", "/*"],
  TURN_API_URL: [
    "turn.example",
    "ftp://turn.example",
    "https://",
    "https:///path",
    "https://user:pw@turn.example",
    "https://turn.example?x=1",
    "https://turn.example/#a",
    "https://turn.example/a b",
  ],
  TURN_HMAC_SECRET: ["pasted\n", "pasted\r\n", "\n"],
  AUTH_TOKEN: ["pasted\n", "a\rb", "Bearer x", "tökən", "a\0b"],
  CONNECTOR_NAME: ["c".repeat(201), "amq.turn", "a b", "a\n"],
  REQUEST_TIMEOUT: ["0", "-1", "86401", "soon", "", "0x10", "Infinity", "1e999", "10s"],
  MO_MESSAGE_URL_TIMEOUT: ["0", "86401"],
  EVENT_URL_TIMEOUT: ["0", "86401"],
  TRANSPORT_TYPE: ["SMS", "fax", ""],
  MENU_TIMEOUT: ["0", "31536001"],
  MENU_REPLY: ["Auto", "button", ""],
  TEXT_ENCODING: ["GSM7", "ucs2", ""],
  USSD_SESSION_TIMEOUT: ["0", "86401"],
  USSD_PAGE_CHARS: ["59", "183", "160.5"],
  USSD_MORE_KEY: ["", "9999", "a", "+", " 9", "９", "9\n"],
  USSD_MORE_TEXT: ["", " ", "a\nb", "a\n", "a\u2028b", "m".repeat(21)],
  USSD_MAX_PAGES: ["0", "51", "1.5"],
  USSD_MERGE_WINDOW: ["-1", "60.1", "soon", ""],
  USSD_SETTLE: ["-0.1", "61", ""],
  USSD_ANSWER_DEADLINE: ["0", "180", "86401", ""],
  USSD_ANSWER_DEADLINES: ["", "6", "[]", "null", "Vodacom: 6"],
  USSD_HOLD_TEXT: ["", " \n", "x".repeat(183), "ж".repeat(81)],
  USSD_HOLD_MAX: ["0", "11", "1.5"],
  USSD_SORRY_TEXT: ["", " ", "x".repeat(183)],
  USSD_LATE: ["sms", "Fail", ""],
  USSD_START_TEXT: ["", " "],
  USSD_START_TEXTS: ["", "register", "[]", "5"],
  USSD_RESUME_WINDOW: ["-1", "86401", ""],
  USSD_CONTINUE_TEXT: ["", " ", "a\nb", "c".repeat(21)],
  USSD_RESTART_TEXT: ["", "a\nb", "c".repeat(21)],
  SMS_FALLBACK_TRANSPORT_NAME: [""],
  SMS_FALLBACK_FROM_ADDR: [""],
  SMS_FALLBACK_TRANSPORT_TYPE: ["SMS", ""],
  SMS_FALLBACK_ADDRESS: ["+27", "E164", ""],
  SMS_FALLBACK_MODE: ["both", ""],
  SMS_FALLBACK_NOTICE_TEXT: ["", " "],
  CONTACT_IDS: ["digits", ""],
  DEFAULT_COUNTRY: ["", "27", "ZAF", "UK", "XX", "South Africa"],
  REPORT_STATES: ["", "failed", "[]", "5", "null"],
  SMS_LONG: ["cut", ""],
  SMS_MAX_PARTS: ["0", "21", "1.5"],
  SMS_RESEND_FOR: ["-1", "86401", ""],
  SMS_MAX_PER_SECOND: ["-1", "10001", "0.5"],
  SMS_UNACKED_AFTER: ["0", "86401", ""],
  SMS_FAIL_UNACKED: ["yes", "1", ""],
  WORDS_PICTURE: ["", " ", "[Picture]", "a\nb"],
  WORDS_VIDEO: ["", "Video]"],
  WORDS_VOICE_MESSAGE: ["", "[Voice"],
  WORDS_DOCUMENT: ["", "a\rb"],
  TEMPLATES: ["", "none", "[]", "5", "null", "{"],
  MESSAGE_CACHE_CLASS: ["NoMessageCache", ""],
  MESSAGE_CACHE_CONFIG_TIMEOUT: ["0", "-1"],
  MESSAGE_CACHE_CONFIG_OUTBOUND_TIMEOUT: ["0", "x"],
  MESSAGE_CACHE_CONFIG_URL: [
    "redis+sentinel://s1",
    "redis+sentinel://s1,/main",
    "redis+sentinel://s1:x/main",
    "redis+sentinel://:a/b@s1/main",
    "redis+sentinel://s1/ma in",
    "redis+sentinel://s1/main/x",
    "sentinel://s1/main",
    "redis",
    "redis:",
    "redis://",
    "http://h",
    "memory:",
    "redis://:p/w@h",
    "redis://:1?w@h",
    "redis://:1#w@h",
    "redis://:%zz@h",
    "redis://:p w@h",
    "redis://h:port",
    "redis://h/name",
    "redis://h/1?db=2",
  ],
  MESSAGE_CACHE_CONFIG_SENTINEL_USERNAME: [""],
  MESSAGE_CACHE_CONFIG_KEY_PREFIX: [""],
  MAX_RETRIES: ["-1", "1.5"],
  RETRY_DELAY_EXPONENT: ["-1", "1.5"],
  RETRY_DELAY_BASE: ["-1", "1.5"],
  RETRY_SCHEDULE: [
    "",
    "0",
    "5,",
    "5,,6",
    "5;6",
    "[5]",
    "-1",
    "0.0001",
    "2592001",
    Array(51).fill("1").join(","),
  ],
  RETRY_FOR: ["-1", "31536001", "x", ""],
  USSD_RETRY_FOR: ["-1", "31536001"],
  COMPACT_STATUSES: ["yes", "0", ""],
  OUTBOUND_DEDUPE_WINDOW: ["-1", "86401"],
  AMQP_HOSTNAME: [
    "",
    "a b",
    "h:1:2",
    "u@h",
    "h/v",
    "a,,b",
    "a,",
    "h:0",
    "h:65536",
    "[h]:1",
    "[::1",
    '["a"]',
  ],
  AMQP_PORT: ["0", "65536", "5672.5", "amqp", "tcp://10.0.0.1:5672"],
  AMQP_USERNAME: [""],
  AMQP_VHOST: [""],
  AMQP_TLS_SERVER_NAME: ["a b", "a:5671"],
  AMQP_QUEUE_TYPE: ["stream", "Quorum"],
  AMQP_CONSUMER_TIMEOUT: ["0", "31536001", ""],
  AMQP_URL: [
    "amqp:",
    "amqp://",
    "amqp:///vhost",
    "http://h",
    "memory://",
    "amqp://u:p/w@h",
    "amqp://u:1/w@h",
    "amqp://u:1?w@h",
    "amqp://u:1#w@h",
    "amqp://u:%zz@h",
    "amqp://u:p w@h",
    "amqp://h:port",
    "amqp://h/a/b",
    "amqp://h,",
    "amqp://h,h2",
    "amqp://h memory:",
    "amqp://h,memory:",
    "memory:,amqp://h",
    "amqp://h?heartbeat=abc",
    "amqp://h?heartbeat=1.5",
    "amqp://h?heartbeat=-1",
    "amqp://h?heartbeat=65536",
    "amqp://h?heartbeat=1&heartbeat=2",
    "amqp://h?frame_max=1",
    "amqp://h,amqp://h2?heartbeat=",
  ],
  WORKER_CONCURRENCY: ["0", "65536", "2.5"],
  PARTITIONS: ["-1", "65", "2.5"],
  LOG_LEVEL: ["TRACE", "10", ""],
  LOG_FORMAT: ["xml", ""],
  LOG_ADDRESSES: ["yes", "1", ""],
  LOG_CONTENT: ["on", "constructor", ""],
  MIDDLEWARES: [
    "{}",
    "none",
    "",
    '[{"class_path": "vumi2.middlewares.logging.LoggingMiddleware"}]',
  ],
  STATUS_FORMAT: ["Flat", ""],
  FAILED_STATUS: ["delivered", ""],
  EMPTY_MESSAGE_BODY: [""],
  MAX_BODY_BYTES: ["0", "16777217", "1 MiB"],
  SHUTDOWN_TIMEOUT: ["-1", "86401"],
};

/** The key of a list, whichever of its entries is meant. */
function listOf(key: string): string {
  return key.replace(/\[\d+\]$/, "");
}

for (const [name, values] of Object.entries(REFUSED)) {
  Deno.test(`${name} refuses what breaks its rule`, async () => {
    for (const value of values) {
      const found = await faults({ env: { [name]: value } });
      const keys = found.map(({ key }) => listOf(key).replaceAll(".", "_").toUpperCase());
      assert.deepEqual(keys, [name], JSON.stringify(value));
      assert.equal(found[0]?.source, `environment variable ${name}`);
      assert.ok(found[0]?.expected);
    }
  });
}

Deno.test("every key with a rule is in the tables above", () => {
  const free = ["DEFAULT_FROM_ADDR", "AMQP_PASSWORD", "MESSAGE_CACHE_CONFIG_PATH", "SENTRY_DSN"];
  // See secret_files_test.ts.
  free.push("TURN_HMAC_SECRET_FILE", "AUTH_TOKEN_FILE", "AMQP_PASSWORD_FILE");
  // See tls_files_test.ts.
  free.push("AMQP_TLS_CA_FILE", "AMQP_TLS_CERT_FILE", "AMQP_TLS_KEY_FILE");
  free.push("MESSAGE_CACHE_CONFIG_SENTINEL_PASSWORD");
  const keys = configKeys.map(({ env }) => env);
  assert.deepEqual([...Object.keys(REFUSED), ...free].sort(), keys.sort());
});

Deno.test("a middleware is refused by its name", async () => {
  const file = "middlewares:\n  - class_path: vumi2.middlewares.logging.LoggingMiddleware\n";
  const [fault] = await faults({ file });
  assert.equal(fault?.key, "middlewares");
  assert.equal(fault?.value, "a list");
  assert.match(fault?.expected ?? "", /no middlewares.* vumi2\.middlewares\.logging\.Logging/);
});

Deno.test("DenoKvMessageCache requires a path, whatever else is wrong", async () => {
  const env = { MESSAGE_CACHE_CLASS: "DenoKvMessageCache" };
  assert.deepEqual((await faults({ env })).map(({ key }) => key), ["message_cache_config.path"]);
  const all = await faults({ env: { ...env, AMQP_PORT: "x", AUTH_TOKEN: "" } });
  assert.deepEqual(all.map(({ key }) => key), [
    "auth_token",
    "amqp.port",
    "message_cache_config.path",
  ]);
  const config = await valid({ env: { ...env, MESSAGE_CACHE_CONFIG_PATH: "./x.kv" } });
  assert.equal(config.message_cache_config.path, "./x.kv");
});

Deno.test("RedisMessageCache requires a url, which may have user, password, port and database", async () => {
  const env = { MESSAGE_CACHE_CLASS: "RedisMessageCache" };
  assert.deepEqual((await faults({ env })).map(({ key }) => key), ["message_cache_config.url"]);
  for (
    const url of [
      ...["redis://h", "redis://:p%23@h", "rediss://u:p@[::1]:6380/15", "redis://h/"],
      ...["redis+sentinel://s1/main", "rediss+sentinel://u:p@s1:1,[::1]:2,s3/main.a_b-c/15"],
    ]
  ) {
    const config = await valid({ env: { ...env, MESSAGE_CACHE_CONFIG_URL: url } });
    assert.equal(config.message_cache_config.url, url);
  }
});

Deno.test("retry_schedule is a list in a file, or text", async () => {
  for (const written of ["[5, 60.5]", "'5, 60.5'", '["5", "60.5"]']) {
    const config = await valid({ file: `retry_schedule: ${written}\n` });
    assert.deepEqual(config.retry_schedule, [5, 60.5], written);
  }
  for (const written of ["[]", "[5, null]", "{}", "[[5]]"]) {
    const found = await faults({ file: `retry_schedule: ${written}\n` });
    assert.deepEqual(found.map(({ key }) => listOf(key)), ["retry_schedule"], written);
  }
});

Deno.test("hosts and URLs of the broker may be lists in the file, and are held to the rule each", async () => {
  const hosts = await valid({ file: "amqp: {hostname: [a, 'b:1', '::1', '[::1]:2']}\n" });
  assert.deepEqual(hosts.amqp.hostname, ["a", "b:1", "::1", "[::1]:2"]);
  const text = await valid({ env: { AMQP_HOSTNAME: "a, b:1" } });
  assert.deepEqual(text.amqp.hostname, ["a", "b:1"]);
  const urls = await valid({ file: "amqp_url: ['amqp://a', 'amqps://u:x,y@b']\n" });
  assert.deepEqual(urls.amqp_url, ["amqp://a", "amqps://u:x,y@b"]);
  for (
    const [file, key] of [
      ["amqp: {hostname: []}", "amqp.hostname"],
      ["amqp: {hostname: [a, '']}", "amqp.hostname"],
      ["amqp_url: ['amqp://a', 'memory:']", "amqp_url"],
      ["amqp_url: ['amqp://a', '']", "amqp_url"],
      ["amqp_url: ['amqp://a,amqp://b']", "amqp_url"],
      ["amqp_url: ['amqp://a', 5]", "amqp_url"],
    ] as const
  ) {
    assert.deepEqual((await faults({ file })).map((fault) => listOf(fault.key)), [key], file);
  }
});

Deno.test("what stands behind the ? of an AMQP URL and is not known is a fault that says what is", async () => {
  for (const query of ["heartbeat=abc", "frame_max=4096", "heartbeat=10&x=y"]) {
    const [fault] = await faults({ env: { AMQP_URL: `amqp://u:hush@h,amqp://h2/v?${query}` } });
    assert.deepEqual([fault?.key, fault?.value], ["amqp_url[1]", "********"]);
    assert.match(fault?.expected ?? "", /heartbeat=SECONDS, a whole number up to 65535/);
  }
});

Deno.test("configKeys names flags and variables as vumi2 does, each once", () => {
  const names = configKeys.map(({ path, flag, env }) => [path, flag, env]);
  assert.deepEqual(names.find(([path]) => path === "amqp.hostname"), [
    "amqp.hostname",
    "amqp-hostname",
    "AMQP_HOSTNAME",
  ]);
  assert.deepEqual(names.find(([path]) => path === "message_cache_config.outbound_timeout"), [
    "message_cache_config.outbound_timeout",
    "message-cache-config-outbound-timeout",
    "MESSAGE_CACHE_CONFIG_OUTBOUND_TIMEOUT",
  ]);
  assert.deepEqual(names.find(([path]) => path === "amqp.tls.ca_file"), [
    "amqp.tls.ca_file",
    "amqp-tls-ca-file",
    "AMQP_TLS_CA_FILE",
  ]);
  assert.equal(new Set(names.map(([, flag]) => flag)).size, names.length);
  assert.equal(new Set(names.map(([, , env]) => env)).size, names.length);
});
