import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDocument } from "yaml";
import { configKeys, configTemplate } from "../../src/config/mod.ts";
import { load, REQUIRED } from "./support.ts";

const REQUIRED_VALUES = Object.fromEntries(
  Object.entries(REQUIRED).map(([name, value]) => [name.toLowerCase(), value]),
);

Deno.test("configTemplate() is a configuration with the values given, whatever they are", async () => {
  const text = fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed());
  await fc.assert(fc.asyncProperty(text, text, async (address, password) => {
    const file = configTemplate({
      ...REQUIRED_VALUES,
      default_from_addr: address,
      "amqp.password": password,
    });
    const loaded = await load({ file });
    assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
    assert.deepEqual(loaded.warnings, []);
    const { default_from_addr, amqp, auth_token } = loaded.config;
    assert.deepEqual([default_from_addr, amqp.password], [address, password]);
    assert.equal(auth_token, REQUIRED_VALUES.auth_token);
  }));
});

Deno.test("configTemplate() has every key commented out with its default, and its meaning", async () => {
  const plain = await load({ env: REQUIRED });
  // What is a comment behind the comment sign tells the meaning; the rest is what is commented out.
  const uncommented = configTemplate({}).replaceAll(/^# ?((?: {2})*(?!# )[a-z_]+:( .*)?)$/gm, "$1");
  const written = parseDocument(uncommented).toJS();
  for (const { path, required, description } of configKeys) {
    const [name = "", inner] = path.split(".");
    assert.ok(inner === undefined ? name in written : inner in written[name], path);
    if (required) assert.equal(written[name], null);
    assert.ok(configTemplate({}).replaceAll(/\n#? *# /g, " ").includes(description), path);
  }
  const loaded = await load({ file: uncommented, env: REQUIRED });
  assert.ok(loaded.kind === "ok" && plain.kind === "ok", JSON.stringify(loaded));
  assert.deepEqual(loaded.config, plain.config);
});
