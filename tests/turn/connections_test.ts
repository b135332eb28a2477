import { setTimeout as delay } from "node:timers/promises";
import { Connections } from "../../src/turn/connections.ts";

// Deno finds what is opened and not closed.
Deno.test("Connections opens none for a call that ends when they are closed", async () => {
  const connections = new Connections();
  const pool = connections.begin();
  await delay(1_100); // Younger ones stay.
  connections[Symbol.dispose]();
  connections.end(pool, false);
});
