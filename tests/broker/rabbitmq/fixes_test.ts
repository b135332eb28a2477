import assert from "node:assert/strict";
import { parseAddress } from "../../../src/broker/rabbitmq/address.ts";
import { fixFor } from "../../../src/broker/rabbitmq/check/fixes.ts";

Deno.test("fixFor() has the user and the virtual host as words for a shell", () => {
  const address = parseAddress("amqp://o'%7Bvhost%7D:p@h/a%20b");
  assert.equal(
    fixFor("no right to look", address).fix,
    `grant the right: rabbitmqctl set_permissions -p 'a b' 'o'\\''{vhost}' ".*" ".*" ".*"`,
  );
});

Deno.test("fixFor() names the key by which an address is set", () => {
  const address = parseAddress("amqp://h");
  for (const fault of ["connect ECONNREFUSED 127.0.0.1:5672", "getaddrinfo ENOTFOUND h"]) {
    assert.match(fixFor(fault, address).fix ?? "", /amqp_url, or in amqp\b/);
  }
});
