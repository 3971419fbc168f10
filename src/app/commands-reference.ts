/** Writes `docs/reference/commands.md` from the tree of commands. */
import type { EventEmitter } from "node:events";
import type { Argument, Command, Option } from "commander";
import { createProgram } from "./cli.ts";
import { EXIT_MEANINGS } from "./commands/exit-codes.ts";
import { EXIT } from "./commands/failure.ts";
import { visibleCommands } from "./completion/complete.ts";

const INTRODUCTION = `<!-- Written by \`renderCommandsReference\` of src/app/commands-reference.ts from the tree of commands. Change it there. -->

# Commands

\`holdfast <command> --help\` says the same on a terminal. \`holdfast completion <shell>\` teaches a shell all of it.

- **Names.** Where a command takes a job, a machine or a pool, give what is at hand: a job's or a run's page address or id, a
  machine's id, its provider's id or console address, its runner's name, or the address of our own page. Where a name is
  several things, say which: \`pool:linux\`, \`machine:linux\`, \`job:7\`. What changes something takes no guess.
- **The server** is the one of \`--server\`, else of \`HOLDFAST_SERVER\`, else the operators' address of the configuration here
  (\`holdfast.yaml\`, or \`--config\`). The token is that in \`--token-file\`, else in \`HOLDFAST_TOKEN\`.
- **For programs** every answer is there as JSON by \`--json\`, and an error as \`{code, message, mend}\` on standard error.
  With \`--watch\` each answer is one line.
- **On a terminal** tables fit its width: what has no room is left out, and is all there in a pipe. \`NO_COLOR\` is heeded.

## Exit codes

| code | word | what it says |
|---|---|---|`;

export function renderCommandsReference(): string {
  const program = createProgram(() => undefined);
  const codes = (Object.entries(EXIT) as readonly (readonly [keyof typeof EXIT, number])[]).map(
    ([name, code]) => `| ${code} | ${EXIT_MEANINGS[name].word} | ${EXIT_MEANINGS[name].sentence} |`,
  );
  const sections = leavesOf(program, ["holdfast"]).map(({ path, command }) => renderCommand(path, command));
  return [INTRODUCTION, ...codes, "", ...sections].join("\n");
}

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

/** Commands that do something, in the order of the help; those that only hold others stand in the headings of those. */
export function leavesOf(command: Command, path: readonly string[]): readonly Leaf[] {
  const inner = visibleCommands(command).filter((one) => one.name() !== "help");
  if (inner.length === 0) return [{ path, command }];
  return inner.flatMap((one) => leavesOf(one, [...path, one.name()]));
}

function renderCommand(path: readonly string[], command: Command): string {
  const options = command.createHelp().visibleOptions(command);
  const after = textAfter(command);
  return [
    `## ${path.join(" ")}\n`,
    ...(usageOf(command) === "" ? [] : [`\`${path.join(" ")}${usageOf(command)}\`\n`]),
    `${capital(command.description())}.\n`,
    ...(command.registeredArguments.length === 0
      ? []
      : ["| argument | what |", "|---|---|", ...command.registeredArguments.map(renderArgument), ""]),
    "| flag | what | default |",
    "|---|---|---|",
    ...options.map(renderOption),
    "",
    `Exit codes: ${exitCodesOf(command)}.`,
    "",
    ...(after === "" ? [] : [`\`\`\`text\n${after}\n\`\`\``, ""]),
  ].join("\n");
}

function usageOf(command: Command): string {
  return command.registeredArguments.map((argument) => ` ${placeholder(argument)}`).join("");
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function placeholder(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function renderArgument(argument: Argument): string {
  return `| \`${cell(placeholder(argument))}\` | ${cell(argument.description)}${choicesOf(argument)} |`;
}

function renderOption(option: Option): string {
  const { flags, description, defaultValue } = option;
  const isPlain = defaultValue === undefined || defaultValue === false;
  return `| \`${cell(flags)}\` | ${cell(description)}${choicesOf(option)} | ${isPlain ? "" : `\`${String(defaultValue)}\``} |`;
}

function choicesOf({ argChoices }: Pick<Argument | Option, "argChoices">): string {
  return argChoices === undefined ? "" : `: ${argChoices.map((word) => `\`${word}\``).join(", ")}`;
}

/** A bar would end the cell of a table, in code too. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** Only who asks a server can find none, and be told that something is not known or not allowed. */
function exitCodesOf(command: Command): string {
  const isAsking = command.options.some(({ long }) => long === "--server");
  return (isAsking ? Object.values(EXIT) : [EXIT.ok, EXIT.failed, EXIT.usage]).join(", ");
}

/** What the help says after the flags: examples, and what is particular to the command. */
export function textAfter(command: Command): string {
  let text = "";
  // Commander keeps such texts as listeners only, and gives them what to write with.
  (command as unknown as EventEmitter).emit("afterHelp", {
    error: false,
    command,
    write: (part: string) => (text += part),
  });
  return text.trim();
}
