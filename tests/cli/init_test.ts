/**
 * `turn-channels init`: what it asks, what it writes, and what it does not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cachePath } from "../../src/cli/init.ts";
import { answerQuestions } from "../../src/cli/init_questions.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { Program } from "../support/program.ts";

const TOKEN = "token-for-init";
const LEAST = ["--connector-name=ussd", "--default-from-addr=8110", `--auth-token=${TOKEN}`];
const URL_FLAG = "--turn-api-url=https://turn.example/v1/numbers/x";

/** A folder, and the command in it. */
class Place implements AsyncDisposable {
  readonly path: string;

  constructor(readonly folder: string, name = "config.yaml") {
    this.path = `${folder}/${name}`;
  }

  static async make(): Promise<Place> {
    return new Place(await Deno.makeTempDir());
  }

  init(...args: readonly string[]) {
    return Program.fromSource().output(["init", `--output=${this.path}`, ...args]);
  }

  async config() {
    const loaded = await loadConfig({ flags: { config: this.path }, env: {} });
    assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
    assert.deepEqual(loaded.warnings, []);
    return loaded.config;
  }

  async files(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.folder))).map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("init writes a whole configuration from flags, for its owner only", async () => {
  await using place = await Place.make();
  const { code, stdout, stderr } = await place.init(...LEAST, URL_FLAG);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(((await Deno.stat(place.path)).mode ?? 0) & 0o777, 0o600);
  const config = await place.config();
  assert.equal(config.connector_name, "ussd");
  assert.equal(config.message_cache_class, "DenoKvMessageCache");
  const cache = `${place.folder}/turn-channels.kv`;
  assert.equal(config.message_cache_config.path, cache);
  assert.ok(stdout.includes(cache), stdout);
  const [secret = ""] = config.turn_hmac_secret;
  assert.equal(atob(secret.replaceAll("-", "+").replaceAll("_", "/")).length, 32);
  assert.ok(!`${stdout}${stderr}`.includes(secret) && !stdout.includes(TOKEN));
  assert.deepEqual(await place.files(), ["config.yaml"]);
});

Deno.test("init of a channel of USSD writes what starts its flow, and what people will change", async () => {
  await using place = await Place.make();
  const { code, stdout } = await place.init(...LEAST, URL_FLAG, "--transport-type=ussd");
  assert.equal(code, 0, stdout);
  const { ussd } = await place.config();
  assert.equal(ussd.start_text, "hi");
  assert.match(stdout, /told "hi" when somebody dials[^]* ussd\.start_text/);
  const text = await Deno.readTextFile(place.path);
  for (const line of ["start_text: hi", "sorry_text: .*", "continue_text: Continue"]) {
    assert.match(text, new RegExp(`^  ${line.replace("hi", '"hi"')}$`, "m"));
  }
});

Deno.test("init of a channel of SMS says and writes nothing of what users dial", async () => {
  await using place = await Place.make();
  const { stdout } = await place.init(...LEAST, URL_FLAG);
  assert.doesNotMatch(stdout, /dials/);
  assert.equal((await place.config()).ussd.start_text, undefined);
  assert.match(await Deno.readTextFile(place.path), /^ {2}# start_text:$/m);
});

Deno.test("init has the cache beside the configuration, or where the service may write", () => {
  assert.equal(cachePath("config.yaml"), `${Deno.cwd()}/turn-channels.kv`);
  assert.equal(cachePath("/srv/bridge/c.yaml"), "/srv/bridge/turn-channels.kv");
  assert.equal(cachePath("/etc/turn-channels/c.yaml"), "/var/lib/turn-channels/turn-channels.kv");
});

Deno.test("init makes a secret of its own each time", async () => {
  await using place = await Place.make();
  await place.init(...LEAST, URL_FLAG);
  const { turn_hmac_secret: first } = await place.config();
  const { code } = await place.init(...LEAST, URL_FLAG, "--force");
  assert.equal(code, 0);
  assert.notDeepEqual((await place.config()).turn_hmac_secret, first);
});

Deno.test("init names what is missing when nobody can be asked, and writes nothing", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.init("--connector-name=ussd");
  assert.equal(code, 64);
  for (const flag of ["--default-from-addr", "--auth-token", "--turn-api-url"]) {
    assert.ok(stderr.includes(flag), stderr);
  }
  assert.ok(!stderr.includes("--connector-name") && !stderr.includes("--http-bind"), stderr);
  assert.deepEqual(await place.files(), []);
});

Deno.test("init holds flags to their rules, without repeating secrets", async () => {
  await using place = await Place.make();
  const { code, stderr } = await place.init(...LEAST, "--turn-api-url=x", "--auth-token=hunter2 ");
  assert.equal(code, 78);
  assert.match(stderr, /turn_api_url/);
  assert.ok(!stderr.includes("hunter2"));
  assert.deepEqual(await place.files(), []);
});

Deno.test("init replaces a file only by --force, and then closes it to others", async () => {
  await using place = await Place.make();
  await Deno.writeTextFile(place.path, "mine", { mode: 0o644 });
  const refused = await place.init(...LEAST, URL_FLAG);
  assert.equal(refused.code, 69);
  assert.match(refused.stderr, /--force/);
  assert.equal(await Deno.readTextFile(place.path), "mine");
  assert.equal((await place.init(...LEAST, URL_FLAG, "--force")).code, 0);
  assert.equal(((await Deno.stat(place.path)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("init prints no command that would refuse the path of the file", async () => {
  await using place = await Place.make();
  const path = `${place.folder}/a b.yaml`;
  const { code, stdout } = await place.init(...LEAST, URL_FLAG, `--output=${path}`);
  assert.equal(code, 0);
  assert.ok(stdout.includes(`turn-channels check --config '${path}'`), stdout);
  assert.ok(!stdout.includes("systemd-unit"), stdout);
});

Deno.test("init says plainly where it can't write", async () => {
  const args = ["init", "--output=/nowhere/at/all.yaml", ...LEAST, URL_FLAG];
  const { code, stderr } = await Program.fromSource().output(args);
  assert.equal(code, 69);
  assert.match(stderr, /Cannot write \/nowhere\/at\/all\.yaml: there is no folder \/nowhere\/at\n/);
});

Deno.test("init leaves secrets in their files, if they are given so", async () => {
  await using place = await Place.make();
  const files = [`${place.folder}/token`, `${place.folder}/hmac`] as const;
  await Deno.writeTextFile(files[0], "t\n");
  await Deno.writeTextFile(files[1], "h\n");
  const { code, stderr } = await place.init(
    "--connector-name=ussd",
    "--default-from-addr=8110",
    `--auth-token-file=${files[0]}`,
    `--turn-hmac-secret-file=${files[1]}`,
    URL_FLAG,
  );
  assert.equal(code, 0, stderr);
  const { auth_token_file, turn_hmac_secret } = await place.config();
  assert.deepEqual([auth_token_file, turn_hmac_secret], [files[0], ["h"]]);
});

/** A Turn that makes channels, or says no. */
function channelMaker(status = 200) {
  const bodies: unknown[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    bodies.push(await request.json());
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return new Response("", { status: 401 });
    }
    const answer = { number: { uuid: "u-1" }, webhook: { uuid: "w", hmac_secret: "turns-own" } };
    return Response.json(answer, { status });
  });
  return {
    bodies,
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const ENDPOINT = "--endpoint=https://bridge.example/messages";

Deno.test("init --register makes the channel in Turn, and fills in what it answers", async () => {
  await using turn = channelMaker();
  await using place = await Place.make();
  const args = [
    ...LEAST,
    "--register",
    `--turn-url=${turn.url}/`,
    ENDPOINT,
    "--channel-name=My USSD",
  ];
  const { code, stdout, stderr } = await place.init(...args);
  assert.equal(code, 0, stderr);
  const config = await place.config();
  assert.equal(config.turn_api_url, `${turn.url}/v1/numbers/u-1`);
  assert.deepEqual(config.turn_hmac_secret, ["turns-own"]);
  assert.deepEqual(turn.bodies, [{
    backend_type: "channel",
    number_type: "channel_http_api",
    from_addr: "8110",
    name: "My USSD",
    endpoint: "https://bridge.example/messages",
  }]);
  assert.ok(!`${stdout}${stderr}`.includes("turns-own"));
});

Deno.test("init --register explains why Turn refuses, and leaves no file", async () => {
  await using turn = channelMaker(403);
  await using place = await Place.make();
  const { code, stderr } = await place.init(
    ...LEAST,
    "--register",
    `--turn-url=${turn.url}`,
    ENDPOINT,
  );
  assert.equal(code, 69);
  assert.match(stderr, /answered 403.*\nTo fix it: .*--auth-token/);
  assert.deepEqual(await place.files(), []);
});

Deno.test("init --register asks Turn for nothing when the file could not be written", async () => {
  await using turn = channelMaker();
  await using place = await Place.make();
  await Deno.writeTextFile(place.path, "mine");
  const { code } = await place.init(...LEAST, "--register", `--turn-url=${turn.url}`, ENDPOINT);
  assert.deepEqual([code, turn.bodies], [69, []]);
});

Deno.test("init --register refuses flags that Turn settles, and addresses that are none", async () => {
  await using place = await Place.make();
  for (
    const flag of [URL_FLAG, "--turn-hmac-secret=a", "--endpoint=bridge", "--turn-url=ftp://x"]
  ) {
    const { code, stderr } = await place.init(...LEAST, "--register", ENDPOINT, flag);
    assert.equal(code, 64, flag);
    assert.ok(stderr.includes(flag.slice(0, flag.indexOf("="))), stderr);
  }
});

Deno.test("answerQuestions() asks only for what is open, and again for what will not do", async () => {
  const asked: string[] = [];
  const said = ["two words", "ussd", "", "[::1]:80", "", "hush", "https://t.example"];
  const answered = answerQuestions({
    given: { "default-from-addr": "8110" },
    register: false,
    asker: {
      ask(question, secret) {
        asked.push(`${question.split("\n").at(-1)}${secret ? " (secret)" : ""}`);
        return Promise.resolve(said.shift());
      },
    },
  });
  await assert.rejects(answered, {
    name: "CommandError",
    exitCode: 64,
    message: /^Missing: --turn-hmac-secret \(.*\)\nNothing was written\.$/,
  });
  assert.deepEqual(
    asked,
    [
      "connector_name:",
      "connector_name:",
      "transport_type [sms]:",
      "http_bind [127.0.0.1:8080]:",
      "amqp_url [amqp://guest:guest@127.0.0.1:5672/%2F]: (secret)",
      "auth_token: (secret)",
      "turn_api_url:",
      "turn_hmac_secret [a new one]: (secret)",
    ],
  );
});

Deno.test("answerQuestions() takes the type from the address, and its word in any case", async () => {
  const asked: string[] = [];
  const answer = async (address: string, type: string) => {
    const said = ["c", address, type, ...Array(9).fill(undefined)];
    const asker = {
      ask(question: string): Promise<string | undefined> {
        asked.push(question);
        return Promise.resolve(said.shift());
      },
    };
    const given = { "auth-token": "t", "turn-api-url": "https://t.example", "http-bind": "h:1" };
    const more = { "amqp-url": "memory:", "turn-hmac-secret": "s" };
    return await answerQuestions({ given: { ...given, ...more }, register: false, asker });
  };
  assert.equal((await answer("*120*8864#", ""))["transport-type"], "ussd");
  assert.match(asked[2] ?? "", /^\n3 of 3\. .*\nFor example: .*\ntransport_type \[ussd\]:$/);
  assert.equal((await answer("8110", ""))["transport-type"], "sms");
  assert.equal((await answer("8110", "USSD"))["transport-type"], "ussd");
});

const SMS_FLAGS = [
  ...["--add-channel", "--connector-name=sms", "--default-from-addr=8110"],
  ...["--auth-token=sms-t0ken", "--turn-hmac-secret=sms-s3cret"],
  "--turn-api-url=https://turn.example/v1/numbers/sms",
];

const BY_HAND = `# Our bridge.

http_bind: 127.0.0.1:8080 # behind Caddy
turn_api_url: https://turn.example/v1/numbers/ussd

# Ask Thabo for it.
auth_token: "ussd-t0ken"
turn_hmac_secret: ussd-s3cret
# In Maseru.
amqp: { hostname: rabbit, port: 0123 }

# The code.
connector_name: ussd
default_from_addr: "*120*8864#"
`;

const WITH_TWO = `# Our bridge.

http_bind: 127.0.0.1:8080 # behind Caddy
# In Maseru.
amqp: { hostname: rabbit, port: 0123 }
channels:
  - turn_api_url: https://turn.example/v1/numbers/ussd
    # Ask Thabo for it.
    auth_token: "ussd-t0ken"
    turn_hmac_secret: ussd-s3cret
    # The code.
    connector_name: ussd
    default_from_addr: "*120*8864#"
  - connector_name: sms
    default_from_addr: "8110"
    transport_type: sms
    vumi_api_path: /sms
    turn_api_url: https://turn.example/v1/numbers/sms
    auth_token: sms-t0ken
    turn_hmac_secret: sms-s3cret
`;

Deno.test("init --add-channel adds to a file, whose comments stay, and then to its list", async () => {
  await using place = await Place.make();
  await Deno.writeTextFile(place.path, BY_HAND, { mode: 0o640 });
  await Deno.chmod(place.path, 0o640);
  const { code, stdout, stderr } = await place.init(...SMS_FLAGS);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(await Deno.readTextFile(place.path), WITH_TWO);
  assert.equal(((await Deno.stat(place.path)).mode ?? 0) & 0o777, 0o640);
  assert.match(stdout, /^ {2}transport_name: sms$/m);
  assert.ok(!`${stdout}${stderr}`.includes("s3cret") && !stdout.includes("t0ken"));
  const again = SMS_FLAGS.map((flag) => flag.replaceAll("sms", "third"));
  assert.equal((await place.init(...again)).code, 0);
  const text = await Deno.readTextFile(place.path);
  assert.ok(text.startsWith(WITH_TWO), text);
  assert.equal((await place.config()).channels.length, 3);
});

Deno.test("init --add-channel does so with what init has written, as YAML and as JSON", async () => {
  for (const name of ["config.yaml", "config.json"]) {
    await using place = new Place(await Deno.makeTempDir(), name);
    assert.equal((await place.init(...LEAST, URL_FLAG)).code, 0);
    const before = await Deno.readTextFile(place.path);
    const { code, stderr } = await place.init(...SMS_FLAGS);
    assert.deepEqual([code, stderr], [0, ""]);
    const after = await Deno.readTextFile(place.path);
    const config = await place.config();
    const told = config.channels.map((channel) => [channel.connector_name, channel.vumi_api_path]);
    assert.deepEqual(told, [["ussd", ""], ["sms", "/sms"]]);
    if (name.endsWith(".json")) JSON.parse(after);
    const comments = (text: string) => text.match(/#.*/g)?.sort();
    assert.deepEqual(comments(after), comments(before));
    if (name.endsWith(".json")) continue;
    // A commented key stays where it takes effect when it is written without the #.
    const end = before.slice(before.indexOf("## Operation")).trim();
    assert.ok(end.split("\n").length > 5 && after.includes(`\n${end}\n`), after);
  }
});

Deno.test("init --add-channel writes nothing where it can't, and says why", async () => {
  await using place = await Place.make();
  const none = await place.init(...SMS_FLAGS);
  assert.equal(none.code, 69);
  assert.match(
    none.stderr,
    /Cannot read .*: NotFound; without --add-channel a new file is written/,
  );
  for (
    const [text, more, code, says] of [
      [WITH_TWO, [], 78, /channels\[2\]\.connector_name[^]*other than that of channels\[1\]/],
      [BY_HAND, ["--http-bind=h:1"], 64, /all channels; leave out: --http-bind/],
      ["channels: [\n", [], 78, /the \[ that begins here is not\s+closed/],
    ] as const
  ) {
    await Deno.writeTextFile(place.path, text);
    const said = await place.init(...SMS_FLAGS, ...more);
    assert.equal(said.code, code, said.stderr);
    assert.match(said.stderr, says);
    assert.equal(await Deno.readTextFile(place.path), text);
  }
});

const hasScript = await new Deno.Command("script", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "init asks a person at a terminal, and does not show the token" +
    (hasScript ? "" : " (not run: there is no program `script`)"),
  ignore: !hasScript,
  fn: async () => {
    await using place = await Place.make();
    const command = Program.fromSource().commandLine([
      "init",
      `--output=${place.path}`,
      ...LEAST.slice(0, 2),
      URL_FLAG,
    ]);
    const child = new Deno.Command("script", {
      args: ["-qec", command, "/dev/null"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const keys = child.stdin.getWriter();
    const said: Record<string, string> = {
      "transport_type [sms]:": "ussd",
      "http_bind [127.0.0.1:8080]:": "",
      "amqp_url [": "",
      "auth_token:": TOKEN,
      "turn_hmac_secret [a new one]:": "",
    };
    let screen = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      screen += part;
      for (const [question, answer] of Object.entries(said)) {
        if (!screen.includes(question)) continue;
        delete said[question];
        await keys.write(new TextEncoder().encode(`${answer}\r`));
      }
    }
    await keys.close();
    assert.equal((await child.status).code, 0, screen);
    assert.deepEqual(said, {});
    assert.ok(!screen.includes(TOKEN), screen);
    const { auth_token, transport_type } = await place.config();
    assert.deepEqual([auth_token, transport_type], [TOKEN, "ussd"]);
  },
});
