/**
 * The program with a bug in it, which shows when it gets SIGUSR1: the first argument says which, the
 * others are its own.
 *
 * @module
 */

import { main } from "../../src/cli/mod.ts";

const BUGS: Readonly<Record<string, () => void>> = {
  rejection: () => void Promise.reject(new RangeError("nobody handles this")),
  timer: () => {
    setTimeout(() => {
      throw new RangeError("nobody catches this");
    });
  },
  several: () => {
    for (let n = 1; n <= 3; n++) void Promise.reject(new RangeError(`nobody handles this ${n}`));
  },
  text: () => void Promise.reject("no error, but a text"),
};

const [name = "", ...args] = Deno.args;
const bug = BUGS[name];
if (bug === undefined) throw new RangeError(`there is no bug ${name}`);
Deno.addSignalListener("SIGUSR1", bug);
Deno.exit(await main(args));
