import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { ROOT } from "./temp-tree.ts";

const BIN = join(ROOT, "node_modules", ".bin");

export interface ToolResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool of the repository's node_modules in a folder, on the repository's own Node, as an npm script would. */
export function runTool(tool: string, args: readonly string[], folder: string): ToolResult {
  const { status, stdout, stderr, error } = spawnSync(join(BIN, tool), args, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}`, NO_COLOR: "1", FORCE_COLOR: undefined },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  return { exitCode: status, stdout, stderr };
}
