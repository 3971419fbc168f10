/** `holdfast completion <shell>`, and what the shell calls by it. */
import { Argument, type Command } from "commander";
import type { Environment } from "../config/environment.ts";
import { openIo } from "../reading.ts";
import { completeWords, joinBroken, type NameKind, type Suggestion } from "./complete.ts";
import { ASKING, completionScript, FILES_LINE, SHELLS, type Shell } from "./scripts.ts";

const AFTER_HELP = `
Examples, each for every new shell:
  echo 'source <(holdfast completion bash)' >> ~/.bashrc
  echo 'source <(holdfast completion zsh)' >> ~/.zshrc        after compinit
  holdfast completion fish > ~/.config/fish/completions/holdfast.fish
Commands and flags come from the program itself; names of pools, machines and jobs from the server that HOLDFAST_SERVER or
the configuration here names, if it answers at once.`;

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("print what a shell needs to complete commands, flags and names")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", AFTER_HELP)
    .action((shell: Shell) => {
      openIo().stdout.write(completionScript(shell));
    });
  program
    .command(ASKING, { hidden: true })
    .argument("<shell>")
    .argument("[words...]")
    .allowUnknownOption()
    .action(async (shell: Shell, words: string[]) => {
      const io = openIo();
      for (const line of await answerShell(program, shell, words, io.environment)) io.stdout.write(`${line}\n`);
    });
}

/** @param typed the words after the program's name, up to the cursor. @returns lines as `scripts.ts` says. */
export async function answerShell(
  program: Command,
  shell: Shell,
  typed: readonly string[],
  environment: Environment,
): Promise<readonly string[]> {
  const words = shell === "bash" ? joinBroken(typed) : typed;
  const { suggestions, names, isFile, prefix, current } = completeWords(program, words);
  const known = names.length === 0 ? [] : await askNames(names, current, words, environment);
  const lines = [...suggestions, ...known].map(({ word, description }) => `${prefix}${word}\t${description}`);
  return [...lines, ...(isFile ? [FILES_LINE] : [])];
}

/** Of the server that the words name, as the command itself would ask it. */
async function askNames(
  names: readonly NameKind[],
  current: string,
  words: readonly string[],
  environment: Environment,
): Promise<readonly Suggestion[]> {
  const { readNames } = await import("./names.ts");
  const givenTo = (...flags: readonly string[]) => {
    const index = words.findLastIndex((word) => flags.includes(word));
    return index < 0 ? undefined : words[index + 1];
  };
  const [server, config, tokenFile] = [givenTo("--server"), givenTo("-c", "--config"), givenTo("--token-file")];
  return readNames(names, current, { server, config, tokenFile }, environment);
}
