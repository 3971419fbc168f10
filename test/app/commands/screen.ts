import type { CommandIo } from "../../../src/app/terminal/io.ts";

export interface Screen extends CommandIo {
  out(): string;
  err(): string;
}

/** A terminal that keeps what is written to it. Without colours unless asked. */
export function openScreen(given: Partial<CommandIo> = {}): Screen {
  const out: string[] = [];
  const err: string[] = [];
  return {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    columns: 80,
    isTTY: true,
    ...given,
    environment: { NO_COLOR: "1", ...given.environment },
    out: () => out.join(""),
    err: () => err.join(""),
  };
}
