/** The version of the runner that lies in `runner.directory`, as it names itself. */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SECOND_MS } from "../../domain/units.ts";

const run = promisify(execFile);

const ANSWER_TIMEOUT_MS = 10 * SECOND_MS;
const ANSWER_BYTES_MAX = 4_096;
const VERSION = /^\d+(?:\.\d+){1,3}$/;

/** Asks again only when the program was replaced. Never throws: what cannot be read is null. */
export function createVersionReader(runnerDirectory: string): () => Promise<string | null> {
  const listener = join(runnerDirectory, "bin", "Runner.Listener");
  let known: { readonly mark: string; readonly version: string | null } | null = null;
  return async () => {
    try {
      const { mtimeMs, size, ino } = await stat(listener);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (known?.mark !== mark) known = { mark, version: await readVersion(listener) };
      return known.version;
    } catch {
      return null;
    }
  };
}

async function readVersion(listener: string): Promise<string | null> {
  const { stdout } = await run(listener, ["--version"], { timeout: ANSWER_TIMEOUT_MS, maxBuffer: ANSWER_BYTES_MAX });
  const text = stdout.trim();
  return VERSION.test(text) ? text : null;
}
