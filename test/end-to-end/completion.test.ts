import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completionScript, type Shell } from "../../src/app/completion/scripts.ts";
import { ROOT } from "../house/temp-tree.ts";

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-completion-"));
  const program = `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${join(ROOT, "bin/holdfast.js")}" "$@"\n`;
  await writeFile(join(folder, "holdfast"), program, { mode: 0o755 });
  await writeFile(join(folder, "holdfast.example.yaml"), "");
  for (const shell of ["bash", "zsh", "fish"] as const) await writeFile(join(folder, shell), completionScript(shell));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the shell offers for these words, the last of which is being written. */
async function offered(shell: Shell, words: readonly string[]): Promise<readonly string[]> {
  const env = { PATH: `${folder}${delimiter}${process.env.PATH}`, HOME: folder, HOLDFAST_SERVER: "http://127.0.0.1:1" };
  const { stdout } = await run(shell, [...ARGUMENTS[shell], `${SCENES[shell]}\ntrue`, shell, ...words], {
    cwd: folder,
    env,
  });
  return stdout.split("\n").filter((line) => line !== "");
}

const ARGUMENTS: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["--norc", "--noprofile", "-c"],
  zsh: ["-f", "-c"],
  fish: ["--no-config", "-c"],
};

/** bash and zsh complete only while somebody types: what they would call is called with what they would set. */
const SCENES: Readonly<Record<Shell, string>> = {
  bash: `source ./bash
    COMP_WORDS=(holdfast "$@") COMP_CWORD=$#
    _holdfast holdfast "\${COMP_WORDS[COMP_CWORD]}" ""
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `compdef() { : }; compset() { : }; _files() { print -l -- *.yaml }
    _describe() { print -l -- "\${(@P)4%%:*}" }
    source ./zsh
    words=(holdfast "$@") CURRENT=$(( $# + 1 )) PREFIX="\${@[-1]}"
    _holdfast`,
  fish: `source ./fish
    complete -C (string join ' ' -- holdfast $argv[2..-1]) | string replace -r '\\t.*' ''`,
};

const isThere = (shell: Shell) => spawnSync(shell, ["--version"]).status === 0;

for (const shell of ["bash", "zsh", "fish"] as const) {
  // Skipped: a shell that is not on this machine completes nothing; bash is on every one that builds.
  describe.skipIf(!isThere(shell))(`in ${shell}`, () => {
    it("a command, a flag, a choice and a file are completed", async () => {
      expect(await offered(shell, ["mach"])).toEqual(["machines"]);
      expect(await offered(shell, ["machines", "--verd"])).toEqual(["--verdict"]);
      expect(await offered(shell, ["serve", "--log-level", "de"])).toEqual(["debug"]);
      expect(await offered(shell, ["serve", "--config", "holdfast.ex"])).toEqual(["holdfast.example.yaml"]);
    });

    it("what is written is not run, and nothing is offered or said where no server answers", async () => {
      const planted = `$(touch ${join(folder, "run")})`;
      expect(await offered(shell, ["explain", shell === "fish" ? `'${planted}'` : planted, ""])).toEqual([]);
      expect(await offered(shell, ["drain", "m-"])).toEqual([]);
      expect(existsSync(join(folder, "run"))).toBe(false);
    });
  });
}
