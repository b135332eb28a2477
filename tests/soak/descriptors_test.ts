import assert from "node:assert/strict";
import { inWords, openIn } from "./descriptors.ts";

// Other tests in this process may open and close what they like meanwhile.
Deno.test("openIn names each connection by where it leads, and a file by its path", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  using ours = await Deno.connect({ hostname, port });
  using theirs = await listener.accept();
  const path = await Deno.makeTempFile();
  const file = await Deno.open(path);
  try {
    const open = await openIn(Deno.pid, {
      [port]: "to it",
      [ours.localAddr.port]: "back",
    });
    for (const what of ["to it", "back", path]) {
      assert.equal(open.filter((one) => one === what).length, 1, what);
    }
    assert.ok(open.includes("listener"));
    assert.ok((await openIn(Deno.pid, {})).includes("client"), JSON.stringify(theirs.remoteAddr));
  } finally {
    file.close();
    await Deno.remove(path);
  }
});

Deno.test("inWords counts each", () => {
  assert.equal(inWords(["pipe", "Turn", "pipe"]), "1 Turn, 2 pipe");
});
