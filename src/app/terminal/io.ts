import pc from "picocolors";
import type { Environment } from "../config/environment.ts";

export interface Output {
  write(text: string): unknown;
}

/** What a command may touch: everything else about the process is the caller's. */
export interface CommandIo {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Width of the terminal; of no account where there is none. */
  readonly columns: number;
  /** Whether a person looks at `stdout`. */
  readonly isTTY: boolean;
  readonly environment: Environment;
}

export type Colours = Pick<
  ReturnType<typeof pc.createColors>,
  "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta"
>;

/** Only on a terminal, and not where NO_COLOR (no-color.org) or a dumb terminal says otherwise. */
export function coloursOf({ isTTY, environment }: CommandIo): Colours {
  const isRefused = (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
  return pc.createColors(isTTY && !isRefused);
}

/** Narrower than this nothing is readable anyway. */
const COLUMNS_MIN = 40;

/** Whoever reads a pipe gets everything: nothing is cut off there. */
export function widthOf({ isTTY, columns }: CommandIo): number {
  return isTTY ? Math.max(COLUMNS_MIN, columns) : Number.POSITIVE_INFINITY;
}
