import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS_FILE, type StandInSettings } from "./stand-in-settings.ts";

/** The kernel reads no more of a script's first line (BINPRM_BUF_SIZE). */
const SHEBANG_LENGTH_MAX = 255;

/**
 * Writes a runner folder as the real package has it, with stand-ins for its two programs. It can be copied elsewhere,
 * as a whole: the programs find their root by their own place. Writing it again changes nothing but `settings`.
 * @param settings how this runner misbehaves; kept in its `standin.json`.
 * @throws if the path of this Node cannot stand in a script's first line (spaces, or longer than 255 bytes).
 */
export function createRunnerFolder(directory: string, settings?: StandInSettings): void {
  mkdirSync(join(directory, "bin"), { recursive: true });
  mkdirSync(join(directory, "externals"), { recursive: true });
  writeProgram(directory, "Runner.Listener", "listener", "runListener");
  writeProgram(directory, "Runner.Worker", "worker", "runWorker");
  writeFileSync(join(directory, "externals", "stand-in"), "The real runner ships its Node versions here.\n");
  writeScript(join(directory, "run.sh"), '#!/bin/sh\nexec "$(dirname "$0")/bin/Runner.Listener" run "$@"\n');
  writeScript(join(directory, "config.sh"), '#!/bin/sh\necho "The stand-in is configured by JIT only." >&2\nexit 1\n');
  if (settings !== undefined) writeFileSync(join(directory, SETTINGS_FILE), JSON.stringify(settings, null, 2));
}

/**
 * The program's own file is a few lines, because it must have no extension and still be this Node's. On Linux a script's
 * `comm` is its file name, as that of a real program, until Node names its first thread: so it is set again at once.
 */
function writeProgram(directory: string, name: string, module: string, entry: string): void {
  const node = process.execPath;
  const shebang = `#!${node}`;
  if (/\s/.test(node) || Buffer.byteLength(shebang) > SHEBANG_LENGTH_MAX) {
    throw new Error(
      `a program cannot be started through ${JSON.stringify(node)}: put Node at a shorter path without spaces`,
    );
  }
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const url = new URL(`./${module}.${extension}`, import.meta.url).href;
  const lines = [
    shebang,
    `// Stand-in for actions/runner's ${name}: a simulation, made by Holdfast.`,
    `const { writeFileSync } = process.getBuiltinModule("node:fs");`,
    `if (process.platform === "linux") writeFileSync("/proc/self/comm", ${JSON.stringify(name)});`,
    // A start is mostly the compiling of a dozen small modules: kept, it takes half the time.
    `process.getBuiltinModule("node:module").enableCompileCache();`,
    `import(${JSON.stringify(url)}).then((program) => program.${entry}());`,
    "",
  ];
  writeScript(join(directory, "bin", name), lines.join("\n"));
}

function writeScript(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
