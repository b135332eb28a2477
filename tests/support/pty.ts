/**
 * A program at a terminal, by util-linux' `script`, which Debian always has.
 *
 * @module
 */

/** Why there is no terminal, for the name of an ignored test, if there is none. */
export function noPty(): string | undefined {
  for (const path of ["/usr/bin/script", "/bin/script"]) {
    try {
      if (Deno.statSync(path).isFile) return undefined;
    } catch {
      // Not there.
    }
  }
  return "there is no script(1) to make a terminal";
}

/** What somebody saw at a terminal. */
interface Session {
  readonly code: number;
  readonly shown: string;
}

/** Runs a shell's command line at a terminal of 80 columns where `typed` is typed; answers what it showed. */
export async function atTerminal(commandLine: string, typed: string): Promise<Session> {
  const child = terminal(commandLine, "piped").spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(typed));
  const { code, stdout } = await child.output();
  // Not before: the end of what is typed would come as a key of its own.
  await writer.close().catch(() => {});
  return { code, shown: new TextDecoder().decode(stdout) };
}

/** The same, where each answer is typed when its question has been shown. */
export async function converse(
  commandLine: string,
  answers: readonly (readonly [question: string, answer: string])[],
): Promise<Session> {
  const child = terminal(commandLine, "null").spawn();
  const writer = child.stdin.getWriter();
  const open = [...answers];
  let shown = "";
  let seen = 0;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += part;
    while (open[0] !== undefined && shown.indexOf(open[0][0], seen) >= 0) {
      const [question, answer] = open[0];
      open.shift();
      seen = shown.indexOf(question, seen) + question.length;
      await writer.write(new TextEncoder().encode(`${answer}\r`));
    }
  }
  await writer.close().catch(() => {});
  return { code: (await child.status).code, shown };
}

function terminal(commandLine: string, stderr: "piped" | "null"): Deno.Command {
  return new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `stty cols 80 rows 24; ${commandLine}`, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr,
    env: { NO_COLOR: "1", TERM: "dumb" },
  });
}
