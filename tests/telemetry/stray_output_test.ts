import assert from "node:assert/strict";

Deno.test("logStrayOutput() logs what libraries write to the console, and the runtime's warnings", async () => {
  const mod = new URL("../../src/telemetry/mod.ts", import.meta.url);
  const script = `import process from "node:process";
    import { logStrayOutput, startLogging } from "${mod}";
    await using _logging = startLogging({ level: "INFO" });
    logStrayOutput();
    console.error("%s failed", "one", { two: 2 });
    process.emitWarning("three");
    await new Promise((resolve) => setTimeout(resolve));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", script],
  }).output();
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).key), [
    "one failed { two: 2 }",
    "Warning: three",
  ]);
  assert.equal(stdout.length, 0);
});
