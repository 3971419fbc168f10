/** The process' own terminal, for what stays on it: its size, its keys, and the moments at which it must be given back. */
import type { Clock } from "../../ports/clock.ts";
import type { Output } from "./io.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

export interface LiveTerminal extends Output {
  size(): Size;
  onResize(listener: () => void): Unsubscribe;
  /** @param listener gets each key as its character; without a keyboard it is never called. */
  onKey(listener: (key: string) => void): Unsubscribe;
  /** Before the process ends in whatever way but a kill, a bug included. */
  onEnd(listener: () => void): Unsubscribe;
  /** Gives the terminal to the shell, as Ctrl-Z asks for. @param resumed called once the process goes on. */
  suspend(resumed: () => void): void;
}

/** What goes on until it is told to stop. */
export interface Live {
  readonly everyMs: number;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /** Null where nobody looks: what is new is then written after what was there. */
  readonly terminal: LiveTerminal | null;
}

const SIZE_DEFAULT: Size = { columns: 80, rows: 24 };

export function openLiveTerminal({ stdout, stdin }: Pick<NodeJS.Process, "stdout" | "stdin">): LiveTerminal {
  return {
    write: (text) => stdout.write(text),
    size: () => ({ columns: stdout.columns ?? SIZE_DEFAULT.columns, rows: stdout.rows ?? SIZE_DEFAULT.rows }),
    onResize: (listener) => {
      stdout.on("resize", listener);
      return () => stdout.off("resize", listener);
    },
    onKey: (listener) => (stdin.isTTY === true ? listenToKeys(stdin, listener) : () => undefined),
    onEnd: (listener) => {
      // The monitor comes before a bug's stack is printed: it belongs on the screen that stays.
      for (const event of ["exit", "uncaughtExceptionMonitor"] as const) process.on(event, listener);
      return () => {
        for (const event of ["exit", "uncaughtExceptionMonitor"] as const) process.off(event, listener);
      };
    },
    suspend: (resumed) => {
      if (stdin.isTTY === true) stdin.setRawMode(false);
      process.once("SIGCONT", () => {
        if (stdin.isTTY === true) stdin.setRawMode(true);
        resumed();
      });
      process.kill(process.pid, "SIGTSTP");
    },
  };
}

function listenToKeys(stdin: NodeJS.ReadStream, listener: (key: string) => void): Unsubscribe {
  const hear = (data: Buffer) => listener(data.toString("utf8"));
  stdin.setRawMode(true);
  stdin.on("data", hear);
  return () => {
    stdin.off("data", hear);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
