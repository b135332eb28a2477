import assert from "node:assert/strict";
import { Journal } from "../../../src/simulator/handset/journal.ts";
import { PhoneError } from "../../../src/simulator/handset/phones.ts";
import { PageServer, type PageServerOptions } from "../../../src/simulator/handset/server.ts";
import type { Transcript } from "../../../src/simulator/handset/transcripts.ts";
import { PageClient } from "../../support/page_client.ts";
import { until } from "../../support/until.ts";

function serve(act: PageServerOptions["play"]["act"] = () => Promise.resolve()) {
  const journal = new Journal();
  const hello = {
    kind: "hello",
    whole: true,
    media: "both",
    networks: [],
    number: "",
    ussdCode: "",
    connector: "c",
  } as const;
  const transcript = (phone: string): Transcript => ({
    ...{ transcript: "turn-channels/1", connector: "c", phone, entries: [] },
    network: { pageChars: 182, waitSeconds: 15 },
  });
  const play = { journal, hello, now: () => [], act, transcript };
  return Object.assign(new PageServer({ hostname: "127.0.0.1", port: 0, play }), { journal });
}

/** `fetch` has its own mind about Host and Origin. */
async function ask(url: string, lines: readonly string[], body = ""): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = [...lines, "Connection: close", `Content-Length: ${body.length}`, "", body];
  await connection.write(new TextEncoder().encode(request.join("\r\n")));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let answer = "";
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    answer += decoder.decode(buffer.subarray(0, n), { stream: true });
  }
  return answer.slice("HTTP/1.1 ".length);
}

const FILES = ["", "index.html", "page.css", "main.js", "icon.svg"];

for (const file of FILES) {
  Deno.test(`the page's server serves /${file}, with a policy`, async () => {
    await using server = serve();
    const response = await fetch(`${server.url}${file}`);
    await response.body?.cancel();
    assert.equal(response.status, 200);
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    assert.ok(!policy.includes("unsafe"));
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  });
}

Deno.test("the page names no file that is not served, and no other server", async () => {
  await using server = serve();
  const page = await (await fetch(server.url)).text();
  const paths = [...page.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path = ""]) => path);
  assert.ok(paths.length >= 6);
  for (const path of paths) {
    const response = await fetch(new URL(path, server.url));
    const text = await response.text();
    assert.equal(response.status, 200, path);
    for (const [, module] of text.matchAll(/^import .* from "\.(\/[^"]+)"/gm)) {
      const imported = await fetch(new URL(module ?? "", server.url));
      await imported.body?.cancel();
      assert.equal(imported.status, 200, module);
    }
    const addresses = text.replaceAll(/http:\/\/www\.w3\.org\/2000\/svg/g, "");
    assert.doesNotMatch(addresses, /https?:\/\//, path);
  }
});

for (const path of ["/../server.ts", "/%2e%2e/server.ts", "/page", "/toString", "/constructor"]) {
  Deno.test(`the page's server has no ${path}`, async () => {
    await using server = serve();
    const { host } = new URL(server.url);
    assert.match(await ask(server.url, [`GET ${path} HTTP/1.1`, `Host: ${host}`]), /^404/);
  });
}

for (const host of ["127.0.0.1:1", "localhost", "LOCALHOST:8090", "[::1]:8090", "192.168.0.7"]) {
  Deno.test(`the page's server may be called ${host}`, async () => {
    await using server = serve();
    assert.match(await ask(server.url, ["GET / HTTP/1.1", `Host: ${host}`]), /^200/);
  });
}

const STRANGERS = [
  "evil.example",
  "localhost.evil.example:8090",
  "127.0.0.1.evil.example",
  "[::1].evil.example",
  "[evil]",
  "999.1.1.1",
];

for (const host of STRANGERS) {
  Deno.test(`the page's server is not called ${host}`, async () => {
    await using server = serve();
    for (const path of ["/", "/events"]) {
      assert.match(await ask(server.url, [`GET ${path} HTTP/1.1`, `Host: ${host}`]), /^403/);
    }
  });
}

for (
  const { origin, status } of [
    { origin: "http://HOST", status: 204 },
    { origin: "http://evil.example", status: 403 },
    { origin: "http://127.0.0.1:1", status: 403 },
    { origin: "null", status: 403 },
    { origin: undefined, status: 403 },
  ]
) {
  Deno.test(`the page's server answers ${status} to what a page of ${origin} does`, async () => {
    let acts = 0;
    await using server = serve(() => Promise.resolve(void acts++));
    const { host } = new URL(server.url);
    const sent = origin === undefined ? [] : [`Origin: ${origin.replace("HOST", host)}`];
    const lines = ["POST /do HTTP/1.1", `Host: ${host}`, "Content-Type: application/json", ...sent];
    const answer = await ask(server.url, lines, '{"do":"tour"}');
    assert.ok(answer.startsWith(`${status}`), answer);
    assert.equal(acts, status === 204 ? 1 : 0);
  });
}

for (
  const { what, body, type = "application/json", status } of [
    { what: "a type that needs no leave", body: '{"do":"tour"}', type: "text/plain", status: 415 },
    { what: "what is not JSON", body: "{", status: 400 },
    { what: "what it does not know", body: '{"do":"format"}', status: 400 },
    { what: "more than it knows", body: '{"do":"tour","x":1}', status: 400 },
    { what: "too much load", body: '{"do":"setLoad","rate":501}', status: 400 },
    { what: "too large a body", body: `{"do":"${"x".repeat(40_000)}"}`, status: 413 },
  ]
) {
  Deno.test(`the page's server refuses ${what}`, async () => {
    await using server = serve(() => assert.fail("done"));
    const response = await fetch(`${server.url}do`, {
      method: "POST",
      body,
      headers: { "Content-Type": type, "Origin": new URL(server.url).origin },
    });
    assert.equal(response.status, status, await response.text());
  });
}

Deno.test("the page's server says why something can't be done", async () => {
  await using server = serve(() => Promise.reject(new PhoneError("No session is open")));
  const response = await fetch(`${server.url}do`, {
    method: "POST",
    body: '{"do":"tour"}',
    headers: { "Content-Type": "application/json", "Origin": new URL(server.url).origin },
  });
  assert.equal(response.status, 409);
  assert.deepEqual(await response.json(), { message: "No session is open" });
});

for (const [method, path] of [["GET", "do"], ["POST", "events"], ["DELETE", ""]] as const) {
  Deno.test(`the page's server has no ${method} /${path}`, async () => {
    await using server = serve();
    const { origin } = new URL(server.url);
    const response = await fetch(`${server.url}${path}`, { method, headers: { origin } });
    await response.body?.cancel();
    assert.equal(response.status, 405);
  });
}

Deno.test("the page's server tells who comes back what was missed", async () => {
  await using server = serve();
  let lastId = "";
  {
    await using client = await PageClient.open(server.url);
    server.journal.add({ kind: "caption", title: "1", text: "first" });
    await client.hears({ kind: "caption", text: "first" });
    ({ lastId } = client);
  }
  server.journal.add({ kind: "caption", title: "2", text: "second" });
  await using client = await PageClient.open(server.url, lastId);
  await client.hears({ kind: "caption", text: "second" });
  await client.hears({ kind: "hello", anew: false });
  assert.ok(!client.events.some((event) => event.kind === "caption" && event.text === "first"));
});

Deno.test("the page's server has room for so many pages, and again when they close", async () => {
  await using server = serve();
  {
    await using clients = new AsyncDisposableStack();
    for (let n = 0; n < 32; n++) clients.use(await PageClient.open(server.url));
    const response = await fetch(`${server.url}events`);
    await response.body?.cancel();
    assert.equal(response.status, 503);
  }
  await untilRoom(server);
});

/** A connection that has gone is noticed when something is written to it. */
async function untilRoom(server: ReturnType<typeof serve>): Promise<void> {
  await until("all to be gone", () => {
    server.journal.add({ kind: "caption", title: "", text: "" });
    return server.journal.listeners === 0;
  });
  await using _client = await PageClient.open(server.url);
}
