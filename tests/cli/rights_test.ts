import assert from "node:assert/strict";
import { Program } from "../support/program.ts";
import { amqpUrl, noRabbitmqctl, rabbitmqctl } from "../support/rabbitmq.ts";

const operation = await Deno.readTextFile(new URL("../../docs/operation.md", import.meta.url));

const why = noRabbitmqctl();
const name =
  "the rights at RabbitMQ that docs/operation.md gives by name are all that check asks for";

Deno.test(
  why === undefined ? name : `${name} (${why})`,
  { ignore: why !== undefined },
  async () => {
    const [, ...rights] =
      /^rabbitmqctl set_permissions -p VHOST USER '(.*)' '(.*)' '(.*)'$/m.exec(operation) ??
        assert.fail("no such command");
    const user = `rights-${crypto.randomUUID()}`;
    const url = new URL(amqpUrl());
    await rabbitmqctl("add_user", user, "password");
    try {
      const own = rights.map((right) => right.replaceAll("ussd", user));
      await rabbitmqctl("set_permissions", user, ...own);
      [url.username, url.password] = [user, "password"];
      const { stdout } = await Program.fromSource().output([
        "check",
        `--connector-name=${user}`,
        "--transport-type=ussd",
        "--default-from-addr=*120#",
        "--http-bind=127.0.0.1:0",
        "--turn-api-url=http://127.0.0.1:9",
        "--auth-token=token",
        "--turn-hmac-secret=secret",
        `--amqp-url=${url}`,
      ]);
      const plain = stdout.replace(/\s+/g, " ");
      const places =
        plain.match(/[✓✗!] \S+ (?:default )?(?:queue|exchange|delays|channel)[ :]/gu) ?? [];
      assert.ok(places.length >= 15, plain);
      assert.deepEqual(places.filter((place) => !place.startsWith("✓")), [], plain);
      assert.match(plain, new RegExp(`hold for USSD in ${user}\\.held `));
      assert.match(plain, /on USSD Two messages within 2 s become one screen; what comes later/);
      assert.match(
        plain,
        /! \S+ USSD: Turn is told the code that was dialled, or .* → set ussd\.start_text to a word/,
      );
    } finally {
      await rabbitmqctl("delete_user", user);
    }
  },
);
