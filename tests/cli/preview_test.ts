/**
 * `turn-channels preview` as its users run it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Program } from "../support/program.ts";

const flowFile = (name: string) =>
  fileURLToPath(new URL(`../preview/flows/${name}.json`, import.meta.url));

async function preview(...args: readonly string[]) {
  return await Program.fromSource().output(["preview", ...args]);
}

async function tempFolder() {
  const path = await Deno.makeTempDir({ prefix: "turn-channels-preview-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("preview prints screens with the characters used, in 80 columns, without a configuration", async () => {
  const { code, stdout, stderr } = await preview(flowFile("welcome"));
  assert.deepEqual([code, stderr], [0, ""]);
  const lines = stdout.split("\n").map((line) => line.replace("welcome.json", "w.json"));
  assert.ok(lines.includes("   └─────────────────────── 72 of 182 characters ─┘"), stdout);
  for (const line of lines) assert.ok([...line].length <= 80, line);
});

Deno.test("preview --strict ends with 1 if there is a warning or something unread, else with 0", async () => {
  const codes = await Promise.all([
    preview("--strict", flowFile("plain")),
    preview("--strict", flowFile("long_list")),
    preview("--strict", flowFile("plain"), "/does/not/exist.json"),
    preview(flowFile("plain"), "/does/not/exist.json"),
    preview("/does/not/exist.json"),
    preview("--strict", "--ussd-start-text=hi", "--text-encoding=auto", flowFile("help")),
  ]);
  assert.deepEqual(codes.map(({ code }) => code), [0, 1, 1, 0, 1, 0]);
  assert.match(codes[3]?.stdout ?? "", /exist\.json: there is no such file/);
});

Deno.test("preview shows a channel of a configuration, of which a part is enough", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/config.yaml`;
  await Deno.writeTextFile(
    path,
    "auth_token_file: /none\nussd: { page_chars: 160, start_text: hi }\n" +
      "channels:\n- { connector_name: dialled, transport_type: ussd }\n" +
      "- { connector_name: texted, transport_type: sms, vumi_api_path: /sms, text_encoding: auto }\n",
  );
  const run = (...args: readonly string[]) =>
    preview("--config", path, ...args, flowFile("welcome"));
  const [ussd, sms, other, either] = await Promise.all([
    run("--connector=dialled"),
    run("--connector=texted"),
    run("--connector=texted", "--ussd"),
    run(),
  ]);
  assert.match(ussd.stdout, /72 of 160 characters/);
  assert.doesNotMatch(ussd.stdout, /nobody dials/);
  assert.match(sms.stdout, /characters, GSM-7, 1 SMS/);
  assert.match(other.stdout, /72 of 160 characters/);
  assert.deepEqual([either.code, /--connector must be one of/.test(either.stderr)], [64, true]);
  await Deno.writeTextFile(path, "ussd: { page_chars: 10 }\n");
  const { code, stderr } = await run();
  assert.equal(code, 78);
  assert.match(stderr, /ussd\.page_chars/);
});

Deno.test("preview shows the channel of a part without a name as it is, whatever names the file", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/config.yaml`;
  await Deno.writeTextFile(path, "transport_type: sms\n");
  const args = ["preview", flowFile("welcome")];
  const program = Program.fromSource();
  for (
    const { stdout } of await Promise.all([
      program.output([...args, "--config", path]),
      program.output(args, { TURN_CHANNELS_CONFIG: path }),
      program.output(args, { VUMI_CONFIG_FILE: path }),
    ])
  ) assert.match(stdout, /characters, GSM-7, 1 SMS/);
});

Deno.test("preview --json prints what was found, --html writes a page, safe and without scripts", async () => {
  await using folder = await tempFolder();
  const text = await Deno.readTextFile(flowFile("plain"));
  const path = `${folder.path}/evil.json`;
  const evil = `</pre><script>alert(1)</script>&\\"'\\u001b[31m`;
  await Deno.writeTextFile(
    path,
    text.replaceAll("Thank you.", evil).replaceAll('"Plain"', `"${evil}"`),
  );
  const page = `${folder.path}/page.html`;
  const { code, stdout } = await preview("--json", "--html", page, path);
  assert.equal(code, 0);
  assert.ok(!stdout.includes("\x1b"));
  const { flows: [flow], unread } = JSON.parse(stdout);
  assert.deepEqual(unread, []);
  assert.deepEqual(
    flow.languages[0].steps.map(({ pages: [{ text, used, room }] }: {
      readonly pages: readonly [
        { readonly text: string; readonly used: number; readonly room: number },
      ];
    }) => [text.slice(0, 5), used, room]).at(0),
    ["Do yo", 34, 182],
  );
  const html = await Deno.readTextFile(page);
  assert.doesNotMatch(html, /<script|<img|<link|\son\w+=/i);
  assert.ok(!html.includes("\x1b"));
  assert.match(html, /&lt;\/pre&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;&amp;&quot;&#39;/);
  assert.match(html, /default-src 'none'/);
  const printed = await preview(path);
  assert.ok(!printed.stdout.includes("\x1b"), "a terminal must not be told what to do");
  assert.match(printed.stdout, /\\u001b/);
});

Deno.test("preview --write-values writes what is asked for, keeps what is filled in, and --values shows it", async () => {
  await using folder = await tempFolder();
  const values = `${folder.path}/our values.json`;
  const first = await preview("--write-values", values, flowFile("dynamic"));
  assert.equal(first.code, 0);
  assert.match(first.stderr, /show them with --values '.*\/our values\.json'\.$/m);
  const asked = JSON.parse(await Deno.readTextFile(values));
  assert.deepEqual(asked["contact.name"], { eng: "", por: "" });
  assert.deepEqual(asked["labels"], { eng: [], por: [] });
  const again = await preview("--write-values", values, flowFile("dynamic"));
  assert.equal(again.code, 69);
  assert.match(again.stderr, /exists\. With --values '.*\/our values\.json' too/);
  await Deno.writeTextFile(values, "contact.name: Mary\nlabels: { eng: [Back] }\n");
  const filled = await preview("--values", values, "--write-values", values, flowFile("dynamic"));
  assert.match(filled.stdout, /│ Bye, Mary /);
  assert.match(filled.stdout, /│ 1\. Back /);
  const kept = JSON.parse(await Deno.readTextFile(values));
  assert.equal(kept["contact.name"], "Mary");
  assert.deepEqual(kept["labels"], { por: [], eng: ["Back"] });
  const wrong = await preview("--values", "/does/not/exist.json", flowFile("dynamic"));
  assert.deepEqual([wrong.code, /no such file/.test(wrong.stderr)], [64, true]);
});

Deno.test("preview writes over no flow, and loses nothing of samples that it can't read", async () => {
  await using folder = await tempFolder();
  const flow = `${folder.path}/flow.json`;
  await Deno.copyFile(flowFile("dynamic"), flow);
  const text = await Deno.readTextFile(flow);
  // The first is what a shell makes of *.json.
  for (
    const args of [
      ["--html", flow, flowFile("welcome")],
      ["--write-values", flow, "--values", flow, flow],
    ]
  ) {
    const { code, stderr } = await preview(...args);
    assert.deepEqual([code, stderr], [
      64,
      `${flow} may be a flow: write to a file of another name.\n`,
    ]);
    assert.equal(await Deno.readTextFile(flow), text);
  }
  const values = `${folder.path}/values.yaml`;
  for (const wrong of ["x: { eng: { y: 1 } }", "x: [one, [two]]", "x: { eng: [{}] }"]) {
    await Deno.writeTextFile(values, `empty:\n${wrong}\n`);
    const made = await preview("--values", values, "--write-values", values, flow);
    assert.equal(made.code, 64, wrong);
    assert.match(
      made.stderr,
      /^Cannot use --values .*: @x is no text, no list of texts and none of/,
    );
    assert.match(await Deno.readTextFile(values), /^empty:\nx/);
  }
});

Deno.test("preview shows a transcript of the handset's page, with what Turn has sent", async () => {
  await using folder = await tempFolder();
  const file = `${folder.path}/transcript.json`;
  const sent = (body: string) => ({
    by: "turn",
    turn: { type: "text", text: { body } },
    status: 200,
  });
  const entries = [
    { by: "user", medium: "ussd", text: "*120*8864#" },
    ...[sent("Welcome!"), sent("Your name?")],
    { by: "service", medium: "ussd", text: "Welcome!\nYour name?" },
  ];
  const transcript = { transcript: "turn-channels/1", phone: "+26612345678", entries };
  await Deno.writeTextFile(file, JSON.stringify(transcript));
  const { code, stdout } = await preview("--strict", file);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^Transcript of \+26612345678\s/);
  assert.match(stdout, /^After "\*120\*8864#" \(text\) \+ After "\*120\*8864#" \(text\)$/m);
  assert.match(stdout, /2 messages, shown as one screen/);
  assert.match(stdout, /│ Welcome! +│\n +│ Your name\? +│/);
});
