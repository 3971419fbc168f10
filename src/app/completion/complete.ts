/**
 * What may stand where the cursor is, from the tree of commands itself: no command and no flag can be missing. What an
 * argument is called says what it may be: `<pool>`, `<job|machine>`, `<file>`.
 */
import type { Argument, Command, Option } from "commander";

export interface Suggestion {
  readonly word: string;
  /** Empty where it says nothing that the word does not. */
  readonly description: string;
}

/** What only a server knows. */
export const NAME_KINDS = ["pool", "machine", "job"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

export interface Completion {
  readonly suggestions: readonly Suggestion[];
  /** Whose names are suggested besides. */
  readonly names: readonly NameKind[];
  /** Whether the shell suggests files. */
  readonly isFile: boolean;
  /** What stands before the suggestions in the same word: `--pool=`. */
  readonly prefix: string;
  /** What is written of the word so far, after that. */
  readonly current: string;
}

const NOTHING: Completion = { suggestions: [], names: [], isFile: false, prefix: "", current: "" };

/** @param words after the program's name, the last of them being written, and empty where nothing of it is. */
export function completeWords(program: Command, words: readonly string[]): Completion {
  const current = words.at(-1) ?? "";
  const at = walk(program, words.slice(0, -1));
  if (at.awaited !== null) return completeValue(at.awaited, current, "");
  if (at.isOptionsOver) return completeArgument(at, current);
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== undefined) {
    const option = findOption(at.command, flag);
    return option === null || option.isBoolean() ? NOTHING : completeValue(option, value ?? "", `${flag}=`);
  }
  if (current.startsWith("-")) return { ...NOTHING, suggestions: startingWith(current, flagsOf(at.command)) };
  return completeArgument(at, current);
}

/**
 * bash takes `=` and `:` for ends of words: what it broke is joined again, except after a flag, whose value is a word of its
 * own for everybody.
 */
export function joinBroken(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  let isGlued = false;
  for (const [index, word] of words.entries()) {
    const before = joined.at(-1) ?? "";
    if (word === "=" && before.startsWith("--") && index > 0) {
      if (index === words.length - 1) joined.push("");
      continue;
    }
    const isBreak = word === "=" || word.startsWith(":");
    if ((isGlued || isBreak) && joined.length > 0) joined[joined.length - 1] = before + word;
    else joined.push(word);
    isGlued = index > 0 && (word === "=" || word.endsWith(":"));
  }
  return joined;
}

interface Place {
  readonly command: Command;
  /** How many arguments of the command stand already. */
  readonly argumentCount: number;
  /** The option whose value comes next. */
  readonly awaited: Option | null;
  /** After `--` everything is an argument. */
  readonly isOptionsOver: boolean;
}

function walk(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, argumentCount: 0, awaited: null, isOptionsOver: false };
  for (const word of words) place = step(place, word);
  return place;
}

function step(place: Place, word: string): Place {
  const { command, awaited, isOptionsOver, argumentCount } = place;
  if (awaited !== null) return { ...place, awaited: null };
  if (!isOptionsOver && word === "--") return { ...place, isOptionsOver: true };
  if (!isOptionsOver && word.startsWith("-") && word !== "-") {
    const option = findOption(command, word);
    return { ...place, awaited: option?.required === true ? option : null };
  }
  const inner = argumentCount === 0 ? findCommand(command, word) : null;
  return inner === null ? { ...place, argumentCount: argumentCount + 1 } : { ...place, command: inner };
}

function findCommand(command: Command, name: string): Command | null {
  return visibleCommands(command).find((one) => one.name() === name || one.aliases().includes(name)) ?? null;
}

function findOption(command: Command, flag: string): Option | null {
  return optionsOf(command).find(({ long, short }) => long === flag || short === flag) ?? null;
}

export function visibleCommands(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command);
}

function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function flagsOf(command: Command): readonly Suggestion[] {
  return optionsOf(command).map(({ long, short, description }) => ({ word: long ?? short ?? "", description }));
}

function completeArgument({ command, argumentCount }: Place, current: string): Completion {
  const inner = argumentCount === 0 ? visibleCommands(command) : [];
  const commands = inner.map((one) => ({ word: one.name(), description: one.description() }));
  const all = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[argumentCount] ?? (last?.variadic === true ? last : undefined);
  const own = argument === undefined ? { ...NOTHING, current } : completeKind(argument.name(), argument, current, "");
  return { ...own, suggestions: [...startingWith(current, commands), ...own.suggestions] };
}

function completeValue(option: Option, current: string, prefix: string): Completion {
  const name = /[<[]([^\]>]+)[\]>]/.exec(option.flags)?.[1] ?? "";
  // `separated by commas: a, b`: the part after the last comma is what is being written.
  const [, listed] = /separated by commas: ([a-z_, ]+)$/.exec(option.description) ?? [];
  if (listed === undefined) return completeKind(name, option, current, prefix);
  const done = current.slice(0, current.lastIndexOf(",") + 1);
  const words = listed.split(", ").map((word) => ({ word: `${done}${word}`, description: "" }));
  return { ...NOTHING, suggestions: startingWith(current, words), prefix, current };
}

/** @param name of an argument or of an option's value: what kinds of thing it may be. */
function completeKind(
  name: string,
  { argChoices }: Pick<Argument | Option, "argChoices">,
  current: string,
  prefix: string,
): Completion {
  const kinds = name.replace(/\.\.\.$/, "").split("|");
  const choices = (argChoices ?? []).map((word) => ({ word, description: "" }));
  return {
    suggestions: startingWith(current, choices),
    names: NAME_KINDS.filter((kind) => kinds.includes(kind)),
    isFile: kinds.some((kind) => FILES.has(kind)),
    prefix,
    current,
  };
}

const FILES: ReadonlySet<string> = new Set(["file", "folder", "scenario"]);

export function startingWith(current: string, suggestions: readonly Suggestion[]): readonly Suggestion[] {
  return suggestions.filter(({ word }) => word.startsWith(current));
}
