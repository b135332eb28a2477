import { noSmallDisk, SmallDisk } from "../support/small_disk.ts";
import { Program } from "../support/program.ts";
import { STUCK_LOGS, worksWithStuckLog } from "./stuck_log.ts";

for (const [what, log] of Object.entries(STUCK_LOGS)) {
  Deno.test(`a log that is ${what} neither ends nor stops the bridge`, () =>
    worksWithStuckLog(Program.fromSource(), log));
}

const noDisk = await noSmallDisk();
const name = "a log on a full disk neither ends nor stops the bridge";

Deno.test({
  name: noDisk === undefined ? name : `${name} (not run: ${noDisk})`,
  ignore: noDisk !== undefined,
  async fn() {
    await using disk = await SmallDisk.mount("20m");
    const path: `/${string}` = `/${disk.path.slice(1)}/log`;
    await worksWithStuckLog(Program.fromSource(), {
      kind: path,
      begin: () => disk.fill(),
      async end() {
        await disk.empty();
        return () => Deno.readTextFile(path);
      },
    });
  },
});
