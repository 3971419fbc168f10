/** A terminal as a person has one: a shell that keeps what was exported in it, and Ctrl-C for what runs there. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

export interface Terminal {
  /** All that was shown so far. */
  text(): string;
  /** Types lines and waits until they are done. @returns what they showed. @throws if one of them failed. */
  run(lines: string): Promise<string>;
  /** Types a line whose program stays, and waits until it shows something like this. */
  start(line: string, shows: RegExp): Promise<RegExpExecArray>;
  /** Ctrl-C, and waits until the program has ended. @returns all that it showed. */
  interrupt(): Promise<string>;
}

export interface TerminalOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const DONE = "-- these lines are done --";

export function openTerminal({ directory, environment }: TerminalOptions): Terminal {
  let shown = "";
  let program: ChildProcess | null = null;
  const watchers = new Set<() => void>();
  const listen = (child: ChildProcess): void => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        shown += chunk.toString("utf8");
        for (const watcher of watchers) watcher();
      });
  };
  // Of its own group, which Ctrl-C goes to as a whole, as on a terminal.
  const options = { cwd: directory, env: environment, detached: true } as const;
  const shell = spawn("sh", ["-s"], options);
  listen(shell);
  onTestFinished(() => {
    for (const child of [shell, program]) if (child !== null && child.exitCode === null) signal(child, "SIGKILL");
  });

  const until = async (pattern: RegExp, from: number, child: ChildProcess): Promise<RegExpExecArray> => {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (): void => {
      const found = pattern.exec(shown.slice(from));
      if (found !== null) resolve(found);
    };
    const end = () => reject(new Error(`it ended without ${pattern}:\n${shown.slice(from)}`));
    watchers.add(look);
    child.once("close", end);
    look();
    return await promise.finally(() => {
      watchers.delete(look);
      child.off("close", end);
    });
  };

  return {
    text: () => shown,
    run: async (lines) => {
      const from = shown.length;
      // A line that fails ends the shell, and with it the wait.
      shell.stdin.write(`set -e\n${lines}\nset +e\necho "${DONE}"\n`);
      await until(new RegExp(DONE), from, shell);
      return shown.slice(from).replace(`${DONE}\n`, "");
    },
    start: async (line, shows) => {
      const from = shown.length;
      program = spawn("sh", ["-c", line], { ...options, stdio: ["ignore", "pipe", "pipe"] });
      listen(program);
      return await until(shows, from, program);
    },
    interrupt: async () => {
      if (program === null) throw new Error("nothing runs in this terminal");
      const ended = once(program, "close");
      signal(program, "SIGINT");
      await ended;
      return shown;
    },
  };
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name);
  } catch {
    // Nobody of the group is left.
  }
}
