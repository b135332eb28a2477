/**
 * A connection to Turn that goes silent while new ones work: real TLS and HTTP/2, on which one carries
 * all calls. The program runs in a process of its own, which trusts the test's authority.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Authority, missingOpenssl } from "../support/certificates.ts";
import { idIn, Live } from "../support/live.ts";
import { Program } from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

const CALLS = 8;
const why = await missingOpenssl();

Deno.test({
  name: `a connection to Turn that goes silent is not used again${why ? ` (ignored: ${why})` : ""}`,
  ignore: why !== undefined,
  async fn() {
    await using authority = await Authority.create();
    const { certFile, keyFile } = await authority.sign("localhost");
    const [cert, key] = await Promise.all([certFile, keyFile].map((it) => Deno.readTextFile(it)));
    const taken = new Set<string>();
    await using turn = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: cert ?? "", key: key ?? "", onListen() {} },
      async (request) => {
        taken.add(idIn(await request.json()));
        return Response.json({});
      },
    );
    await using proxy = TcpProxy.start({ port: turn.addr.port });
    await using live = await Live.prepare({
      "turn-api-url": `https://localhost:${proxy.port}/v1`,
      "mo-message-url-timeout": "2",
    });
    const env = { DENO_CERT: authority.caFile };
    await using _bridge = await Program.fromSource().start(["run", ...live.args()], env);
    const send = async (round: string, count: number): Promise<void> => {
      const ids = Array.from({ length: count }, (_, n) => `${round}${n}`);
      for (const id of ids) await live.transport.sendInbound({ message_id: id, from_addr: id });
      await until(`all of ${round}`, () => ids.every((id) => taken.has(id)));
    };
    await send("a", 1);
    await send("b", CALLS);
    assert.equal(proxy.accepted, 1, "one connection for all calls");
    for (const round of ["c", "d"]) {
      proxy.silence();
      await send(round, CALLS);
      await until("the dead connections to be closed", () => proxy.silenced === 0);
    }
  },
});
