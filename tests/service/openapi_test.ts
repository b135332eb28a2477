/**
 * `/openapi.json`: whole, true of what the program takes and sends, and found so by schemathesis, which
 * makes requests from it. Where Python can't be had, that last part says so and is not run.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as z from "zod";
import { openApiDocument } from "../../src/service/openapi.ts";
import { startService } from "../../src/service/service.ts";
import { sign } from "../../src/turn/mod.ts";
import { formatMessage, formatStatus } from "../../src/turn/payloads.ts";
import { SECRET, testConfig } from "../support/bridge.ts";
import { SHOWN } from "../support/turn_messages.ts";
import { pythonWith } from "../support/python.ts";
import { EXAMPLE } from "../turn/endpoint_support.ts";

const DOCUMENT = openApiDocument({ paths: ["/api"], statusFormats: ["flat"] });

/** What stands at the end of a path in the document; references are followed. */
function at(document: unknown, ...names: readonly string[]): unknown {
  let part: unknown = document;
  for (const name of names) {
    part = z.record(z.string(), z.unknown()).parse(part)[name];
    assert.notEqual(part, undefined, `${names.join(" > ")}: no ${name}`);
    const reference = z.object({ $ref: z.string() }).safeParse(part);
    if (reference.success) part = at(document, ...reference.data.$ref.split("/").slice(1));
  }
  return part;
}

/** Whether a value is valid by the schema of a body; another's validator than the one it came from. */
function isValid(document: unknown, value: unknown, ...names: readonly string[]): boolean {
  const schema = at(document, ...names, "content", "application/json", "schema");
  return z.fromJSONSchema(z.record(z.string(), z.any()).parse(schema)).safeParse(value).success;
}

Deno.test("the document is OpenAPI 3.1, and all that it refers to is there", () => {
  assert.equal(DOCUMENT.openapi, "3.1.0");
  const text = JSON.stringify(DOCUMENT);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)];
  assert.ok(references.length > 0);
  for (const [, path = ""] of references) at(DOCUMENT, ...path.split("/"));
  for (const [, name = ""] of text.matchAll(/"security":\[\{"(\w+)"/g)) {
    at(DOCUMENT, "components", "securitySchemes", name);
  }
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, 9);
});

Deno.test("the document's schema of a request takes the documentation's example, and no other form", () => {
  const names = ["paths", "/api/messages", "post", "requestBody"];
  assert.ok(isValid(DOCUMENT, EXAMPLE, ...names));
  for (const wrong of [{ ...EXAMPLE, to: "" }, { ...EXAMPLE, turn: 1 }, { to: "+1" }, []]) {
    assert.ok(!isValid(DOCUMENT, wrong, ...names), JSON.stringify(wrong));
  }
});

Deno.test("the document's schema of a request takes Turn's messages of all types", () => {
  const names = ["paths", "/api/messages", "post", "requestBody"];
  for (const [name, turn] of SHOWN) {
    assert.ok(isValid(DOCUMENT, { to: "+266", turn }, ...names), name);
  }
  const text = JSON.stringify(at(DOCUMENT, ...names));
  for (const type of ["interactive", "template", "location", "contacts", "sticker", "reaction"]) {
    assert.ok(text.includes(`"const":"${type}"`), type);
  }
});

Deno.test("the document's webhooks are what is sent", () => {
  const message = { id: "m", from: "+266", text: "Hi", timestamp: 1 };
  const body = ["webhooks", "message", "post", "requestBody"];
  for (const kind of [undefined, "button", "list", "quick_reply"] as const) {
    const choice = kind && { kind, id: "1", title: "Yes", contextId: "t" };
    assert.ok(isValid(DOCUMENT, JSON.parse(formatMessage({ ...message, choice })), ...body), kind);
  }
  const status = { messageId: "m", recipient: "+266", status: "sent", timestamp: 1 } as const;
  for (const form of ["flat", "nested"] as const) {
    const document = openApiDocument({ paths: [""], statusFormats: [form] });
    for (const sent of ["flat", "nested"] as const) {
      const payload = JSON.parse(formatStatus(sent, status));
      const names = ["webhooks", "status", "post", "requestBody"];
      assert.equal(isValid(document, payload, ...names), form === sent);
    }
  }
});

/** Signs what passes, as Turn does, and remembers how it was answered. */
class Signer implements AsyncDisposable {
  /** Method, path and status of each. */
  readonly answers: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(target: string) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(options, async (request) => {
      const url = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      const headers = new Headers(request.headers);
      headers.set("X-Turn-Hook-Signature", sign(SECRET, body));
      const response = await pass(target, url, request.method, headers, body);
      this.answers.push(`${request.method} ${url.pathname} ${response.status}`);
      return response;
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** By hand, as `fetch` knows no TRACE. HTTP/1.0 is answered in one piece, and with a closed door. */
async function pass(
  target: string,
  { pathname, search }: URL,
  method: string,
  headers: Headers,
  body: Uint8Array,
): Promise<Response> {
  headers.set("content-length", String(body.length));
  headers.set("connection", "close");
  headers.delete("accept-encoding");
  const fields = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `${method} ${pathname}${search} HTTP/1.0\r\n${fields}\r\n`;
  const { hostname, port } = new URL(target);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  let rest = new Uint8Array([...new TextEncoder().encode(head), ...body]);
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let answer = "";
  for (let length; (length = await connection.read(buffer)) !== null;) {
    answer += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  const [, status, type = "", text = ""] =
    /^HTTP\/1\.\d (\d+).*?(?:\r\ncontent-type: ([^\r]*).*?)?\r\n\r\n([^]*)$/is.exec(answer) ??
      assert.fail(answer);
  return new Response(text, { status: Number(status), headers: { "content-type": type } });
}

const python = await pythonWith("schemathesis==4.32.5");
const options = {
  ignore: python.kind === "missing",
  suffix: python.kind === "missing" ? ` (not run: ${python.why})` : "",
};

/** Runs Python; answers whether it was content, and what it said. */
async function runPython(...args: readonly string[]): Promise<[boolean, string]> {
  assert.ok(python.kind === "python");
  const folder = await Deno.makeTempDir(); // It leaves examples where it is.
  const { success, stdout, stderr } = await new Deno.Command(python.path, {
    args: [...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const decoder = new TextDecoder();
  return [success, `${decoder.decode(stdout)}${decoder.decode(stderr)}`];
}

Deno.test({
  name: `schemathesis finds no answer that /openapi.json does not tell of${options.suffix}`,
  ignore: options.ignore,
  fn: async () => {
    const flags = { "amqp-url": "memory:", "vumi-api-path": "/api" };
    await using service = await startService(await testConfig("c", "http://127.0.0.1:9", flags));
    await using signer = new Signer(service.address);
    const [success, said] = await runPython(
      "-m",
      "schemathesis.cli",
      ...[
        "run",
        `${signer.url}/openapi.json`,
        "--max-examples=25",
        "--max-time=60",
        "--seed=1",
        "--request-timeout=10",
      ],
      "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
    );
    assert.ok(success, said);
    const { answers } = signer;
    // It makes hundreds, but for a limited time, and machines differ.
    assert.ok(answers.length > 30, `only ${answers.length} requests`);
    for (const status of [200, 400, 422]) {
      assert.ok(answers.includes(`POST /api/messages ${status}`), `never ${status}`);
    }
    assert.deepEqual(answers.filter((answer) => / 5\d\d$/.test(answer)), []);
  },
});

Deno.test({
  name: `config.example.json is valid by config.schema.json, says jsonschema-rs${options.suffix}`,
  ignore: options.ignore,
  fn: async () => {
    const file = (name: string): string => new URL(`../../${name}`, import.meta.url).pathname;
    const program = `
import json, sys, jsonschema_rs
schema, example = (json.load(open(path)) for path in sys.argv[1:])
jsonschema_rs.meta.validate(schema)
validator = jsonschema_rs.Draft202012Validator(schema)
validator.validate(example)
assert not validator.is_valid({**example, "conector_name": "x"})
assert not validator.is_valid({**example, "max_retries": "many"})
`;
    const args = [file("config.schema.json"), file("config.example.json")];
    const [success, said] = await runPython("-c", program, ...args);
    assert.ok(success, said);
  },
});
