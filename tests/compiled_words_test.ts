/**
 * What people read who use the compiled binary for the first time, at a terminal of 80 columns.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SECRET, TOKEN } from "./support/bridge.ts";
import { compile } from "./support/compiled.ts";
import { FakeTurn } from "./support/fake_turn.ts";
import { freePort } from "./support/free_port.ts";
import { Program } from "./support/program.ts";
import { atTerminal, converse, noPty } from "./support/pty.ts";

const folder = await Deno.makeTempDir({ prefix: "turn-channels-words-" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const binary = `${folder}/turn-channels`;
const fault = noPty() ?? await compile(binary);

/** A test that needs the binary and a terminal. */
function walk(name: string, fn: (place: Place) => Promise<void>): void {
  Deno.test({
    name: fault === undefined ? name : `${name} (not run: ${fault})`,
    ignore: fault !== undefined && Deno.env.get("CI") !== "true",
    fn: async () => {
      const home = await Deno.makeTempDir({ dir: folder });
      await fn(new Place(home));
    },
  });
}

/** A folder to work in. */
class Place {
  constructor(readonly folder: string) {}

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${this.folder}/${name}`, text, { mode: 0o600 });
    }
  }

  /** What the program shows there, as a person sees it who answers its questions. */
  async run(
    args: readonly string[],
    answers: readonly (readonly [question: string, answer: string])[] = [],
  ): Promise<{ code: number; shown: string }> {
    const line = `cd '${this.folder}' && ${Program.binary(binary).commandLine(args)}`;
    const { code, shown } =
      await (answers.length === 0 ? atTerminal(line, "") : converse(line, answers));
    const lines = shown.replaceAll("\r\n", "\n").replaceAll(this.folder, "/home").split("\n");
    for (const each of lines) assert.ok(each.length <= 80, `longer than 80: ${each}`);
    return { code, shown: lines.join("\n") };
  }
}

walk("without arguments the binary says how to begin", async (place) => {
  const { code, shown } = await place.run([]);
  assert.equal(
    shown,
    `No command, and no configuration was found.
  turn-channels demo     shows the bridge at work; it needs nothing else
  turn-channels init     asks what is needed, and writes a first configuration
  turn-channels --help   lists all commands
`,
  );
  assert.equal(code, 64);
});

walk("an unknown command is answered with a near one, as an unknown flag is", async (place) => {
  for (
    const [args, says] of [
      [["chekc"], "error: there is no such command; did you mean check?\n"],
      [["hunter2"], "error: there is no such command; turn-channels --help lists them\n"],
      [["parked", "lst"], "error: unknown command 'lst'\n(Did you mean list?)\n"],
      [["check", "--confg", "x"], "error: unknown option '--confg'\n(Did you mean --config?)\n"],
    ] as const
  ) assert.deepEqual(await place.run(args), { code: 64, shown: says });
});

walk("what goes wrong is said in 80 columns", async (place) => {
  await place.write({
    "bridge.yaml": `connector_name: c
default_from_addr: "1"
http_bind: 127.0.0.1:8080
amqp_url: "memory:"
turn_api_url: https://turn.example.org
turn_hmac_secret: h
auth_token: t
`,
  });
  const SAID: readonly (readonly [args: string[], code: number, end: string])[] = [
    [
      ["check"],
      78,
      `
No configuration file was found: neither --config nor TURN_CHANNELS_CONFIG nor
VUMI_CONFIG_FILE names one, and there is no config.yaml, and no
/etc/turn-channels/config.yaml.
`,
    ],
    [
      ["init", "--add-channel"],
      69,
      `Cannot read config.yaml: NotFound; without --add-channel a new file is written;
  --output names another one
`,
    ],
    [
      ["demo", "--page-port", "99999"],
      64,
      `error: option '--page-port <port>' argument '99999' is invalid. It must be 0 to
  65535.
`,
    ],
    [
      ["parked", "list", "--config", "bridge.yaml"],
      64,
      `With amqp_url memory: the queues are inside the running bridge, and can't be
  reached from here.
`,
    ],
  ];
  for (const [args, expected, end] of SAID) {
    const { code, shown } = await place.run(args);
    assert.equal(code, expected, shown);
    assert.equal(shown.slice(-end.length), end);
  }
});

const FAULTY = `http_bind: 127.0.0.1:8080
retry_schedule: [5, sixty]
channels:
  - connector_name: ussd
    default_from_addr: *120*8864#
    turn_api_ul: https://whatsapp.turn.io/v1/numbers/1
    auth_token_file: ./ussd-token
    turn_hmac_secret: secret
`;

walk("mistakes in a file are told together, with what to do", async (place) => {
  await place.write({ "config.yaml": FAULTY });
  const { code, shown } = await place.run(["check"]);
  assert.equal(
    shown,
    `The configuration has 4 faults:

  channels[0].default_from_addr
    value     *120*8864#
    expected  quotes around it, as in "*120*8864#": without them * begins the
              name of a value that stands elsewhere in the file
    source    file config.yaml, line 5

  channels[0].auth_token_file
    value     ./ussd-token
    expected  a file that can be read; there is none
    source    file config.yaml, channels[0]

  channels[0].turn_api_url
    value     (missing)
    expected  required: http:// or https:// URL without user and password,
              ?query and #fragment
    source    nowhere; set it in the file, as TURN_API_URL in the environment,
              or by --turn-api-url

  retry_schedule[1]
    value     sixty
    expected  list of 1 to 50 numbers of seconds, each 0.001 to 2592000; as text
              with commas between
    source    file config.yaml

Besides:

  - turn_api_ul in file config.yaml, channels[0] is not known and has no effect;
    did you mean turn_api_url?
`,
  );
  assert.equal(code, 78);
});

walk("an unclosed quote is told where it begins", async (place) => {
  const text = FAULTY.replace("*120*8864#", '"*120*8864#');
  await place.write({ "bridge.yaml": text });
  const { code, shown } = await place.run(["check", "--config", "bridge.yaml"]);
  assert.equal(
    shown,
    `The configuration has 1 fault:

  config file
    value     bridge.yaml
    expected  YAML or JSON: line 5, column 24: the quote that begins here is not
              closed on its line
    source    flag --config
`,
  );
  assert.equal(code, 78);
});

walk(
  "check says what is to be mended first, then a line a thing, of each channel",
  async (place) => {
    await using turn = FakeTurn.start({ authToken: TOKEN });
    const [http, admin] = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`];
    using _other = Deno.listen({ hostname: "127.0.0.1", port: Number(admin.split(":")[1]) });
    const text = `http_bind: ${http}
admin_bind: ${admin}
amqp_url: "memory:"
turn_api_url: ${turn.url}
turn_hmac_secret: ${SECRET}
channels:
  - connector_name: ussd
    transport_type: ussd
    default_from_addr: "*120*8864#"
    ussd: { start_text: hi }
    vumi_api_path: /ussd
    auth_token: ${TOKEN}
  - connector_name: sms
    default_from_addr: "8110"
    vumi_api_path: /sms
    auth_token: PUT-THE-TOKEN-HERE
    worker_concurency: 5
`;
    await place.write({ "config.yaml": text });
    const { code, shown } = await place.run(["check"]);
    const plain = shown.replaceAll(http, "127.0.0.1:8080").replaceAll(admin, "127.0.0.1:8081")
      .replaceAll(turn.url, "TURN").replaceAll(/ \d s from/g, " 0 s from");
    assert.equal(
      plain,
      `Configuration: config.yaml (a usual place)
To mend:

✗ sms       auth_token: it is a placeholder, as examples have it
    → set it to a token of the number, made in Turn
✗ ussd, sms turn_api_url: these channels have the same, and Turn has one
    endpoint for each number
    → make a number in Turn for each channel, and give each its own turn_api_url
✗ all       admin_bind: another program listens on 127.0.0.1:8081
    → stop it (ss -ltnp shows which it is), or set admin_bind to another port
✗ sms       Turn's token: Turn refuses it (401)
    → set auth_token to a token of this number, made in Turn and not revoked

To look at:

! sms       setting: worker_concurency in file config.yaml, channels[1] is not
    known and has no effect; did you mean worker_concurrency?

With this configuration turn-channels will
  listen on         127.0.0.1:8080
  use the broker    inside the process (memory:)
  keep messages in  memory; inbound 3600 s, outbound 86400 s
and for the channel ussd
  take from Turn    POST /ussd/messages, as ussd.outbound
  use Turn at       TURN
  send to Turn      ussd.inbound as POST …/messages
                    ussd.event as POST …/statuses (flat)
  hold for USSD in  ussd.held
  hold SMS in       ussd.held.sms
  park in           ussd.inbound.parked, ussd.event.parked, ussd.held.parked
  on USSD           Two messages within 2 s become one screen; what comes later
    is refused with 422 or, if it was taken already, told of as sent
                    After 8 s without an answer nothing is shown until one comes
                    Turn is told "hi" when somebody dials
and for the channel sms
  take from Turn    POST /sms/messages, as sms.outbound
  use Turn at       TURN
  send to Turn      sms.inbound as POST …/messages
                    sms.event as POST …/statuses (flat)
  hold for USSD in  sms.held
  hold SMS in       sms.held.sms
  park in           sms.inbound.parked, sms.event.parked, sms.held.parked
  by SMS            A throttled SMS is tried again for 15 min; as many go in a
    second as the operator takes
                    One of which nothing is heard for 1 min is counted, and
    named in the log

Fine:

✓ all       http_bind: 127.0.0.1:8080 is free
✓ all       broker: inside the process, where no transport can reach it
✓ all       cache: in memory; replies and statuses are lost by a restart
✓ ussd      Turn: TURN answers (401); the
    token goes there unencrypted
✓ ussd      Turn's token: accepted (404; 401 without it)
✓ ussd      clock: 0 s from Turn's
✓ sms       Turn: TURN answers (401); the
    token goes there unencrypted
✓ sms       clock: 0 s from Turn's
✓ ussd      POST /ussd/messages: accepts signed requests, refuses others
✓ sms       POST /sms/messages: accepts signed requests, refuses others

4 to mend, 1 to look at, 10 fine
`,
    );
    assert.equal(code, 1);
  },
);

walk("init asks with examples, adds another channel, and says what comes next", async (place) => {
  const first = await place.run(["init"], [
    ["connector_name:", "ussd"],
    ["default_from_addr:", "*120*8864#"],
    ["transport_type [ussd]:", ""],
    ["http_bind [127.0.0.1:8080]:", ""],
    ["/%2F]:", ""],
    ["auth_token:", "hunter2 "],
    ["turn_api_url:", "whatsapp"],
    ["turn_api_url:", "https://t.example/v1/numbers/1"],
    ["turn_hmac_secret [a new one]:", ""],
  ]);
  assert.equal(first.shown, INIT);
  const second = await place.run(["init", "--add-channel"], [
    ["connector_name:", "ussd"],
    ["connector_name:", "sms"],
    ["default_from_addr:", "8110"],
    ["transport_type [sms]:", "SMS"],
    ["vumi_api_path [/sms]:", ""],
    ["auth_token:", "hunter3"],
    ["turn_api_url:", "https://t.example/v1/numbers/2"],
    ["turn_hmac_secret [a new one]:", "hush"],
  ]);
  assert.equal(second.shown, ADD_CHANNEL);
  assert.deepEqual([first.code, second.code], [0, 0]);
});

const INIT = `
1 of 8. Names the queues: messages and events are taken from NAME.inbound and
NAME.event, messages go to NAME.outbound.
For example: ussd
connector_name: ussd

2 of 8. The number or code that people write to or dial, for messages of which
Turn names none.
For example: 8110, or *120*8864# on USSD
default_from_addr: *120*8864#

3 of 8. What people use.
For example: sms, ussd
transport_type [ussd]: 

4 of 8. Where to listen for Turn's requests and health checks. Port 0 is any
free one.
For example: 127.0.0.1:8080, with a reverse proxy before it
http_bind [127.0.0.1:8080]: 

5 of 8. The address of RabbitMQ.
For example: amqp://user:password@rabbitmq.example.org/vhost
amqp_url [amqp://guest:guest@127.0.0.1:5672/%2F]: 

6 of 8. Token for Turn's API, sent as bearer token; or auth_token_file.
For example: the token that Turn shows once, when you make it for the number
auth_token: 

7 of 8. Base of Turn's API, to which /messages and /statuses are added.
For example: https://whatsapp.turn.io/v1/numbers/<uuid>
turn_api_url: whatsapp
That is not valid. Expected: http:// or https:// URL without user and password,
  ?query and #fragment

7 of 8. Base of Turn's API, to which /messages and /statuses are added.
For example: https://whatsapp.turn.io/v1/numbers/<uuid>
turn_api_url: https://t.example/v1/numbers/1

8 of 8. Secret with which Turn signs its requests; or set turn_hmac_secret_file.
While it is being replaced, list the old and the new one.
For example: the hmac_secret that Turn shows of the channel's webhook
turn_hmac_secret [a new one]: 

Wrote config.yaml, readable by you only. What has to be remembered will be in
/home/turn-channels.kv.

Next:
  turn-channels check --config /home/config.yaml
  turn-channels run --config /home/config.yaml
  turn-channels systemd-unit --config /home/config.yaml

vumi2: in the configuration of this channel's transport, set
  transport_name: ussd
and the same amqp_url.

Turn: set the channel's endpoint to
  https://bridge.example.org/messages
and its hmac_secret to turn_hmac_secret in that file.

A reverse proxy with TLS passes on that path. Caddy:
  bridge.example.org {
    reverse_proxy /messages 127.0.0.1:8080
  }
nginx, in the server for bridge.example.org:
  location = /messages { proxy_pass http://127.0.0.1:8080; }

Turn will be told "hi" when somebody dials: make ussd.start_text in that file
the word on which your flow starts.
`;

const ADD_CHANNEL = `
1 of 7. Names the queues: messages and events are taken from NAME.inbound and
NAME.event, messages go to NAME.outbound.
For example: ussd
connector_name: ussd
That is not valid. Expected: one that no other channel in the file has

1 of 7. Names the queues: messages and events are taken from NAME.inbound and
NAME.event, messages go to NAME.outbound.
For example: ussd
connector_name: sms

2 of 7. The number or code that people write to or dial, for messages of which
Turn names none.
For example: 8110, or *120*8864# on USSD
default_from_addr: 8110

3 of 7. What people use.
For example: sms, ussd
transport_type [sms]: SMS

4 of 7. Path before /messages, where Turn sends its requests.
For example: /ussd, for https://bridge.example.org/ussd/messages
vumi_api_path [/sms]: 

5 of 7. Token for Turn's API, sent as bearer token; or auth_token_file.
For example: the token that Turn shows once, when you make it for the number
auth_token: 

6 of 7. Base of Turn's API, to which /messages and /statuses are added.
For example: https://whatsapp.turn.io/v1/numbers/<uuid>
turn_api_url: https://t.example/v1/numbers/2

7 of 7. Secret with which Turn signs its requests; or set turn_hmac_secret_file.
While it is being replaced, list the old and the new one.
For example: the hmac_secret that Turn shows of the channel's webhook
turn_hmac_secret [a new one]: 

Added the channel sms to config.yaml, which else says what it said.

Next:
  turn-channels check --config /home/config.yaml
  turn-channels systemd-unit --config /home/config.yaml
  systemctl restart turn-channels

vumi2: in the configuration of this channel's transport, set
  transport_name: sms
and the same amqp_url.

Turn: set the channel's endpoint to
  https://bridge.example.org/sms/messages
and its hmac_secret to turn_hmac_secret in that file.

A reverse proxy with TLS passes on that path. Caddy:
  bridge.example.org {
    reverse_proxy /sms/messages 127.0.0.1:8080
  }
nginx, in the server for bridge.example.org:
  location = /sms/messages { proxy_pass http://127.0.0.1:8080; }
`;
