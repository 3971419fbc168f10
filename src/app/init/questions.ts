/** The questions of `holdfast init` that are answered by a text, each with its flag and its rule. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isLoopback, type ListenAddress } from "../config/addresses.ts";
import { listenText, urlText } from "../config/key.ts";
import { LISTEN_DEFAULT } from "../config/schema.ts";
import { enterpriseText, nameText, organizationText, repositoryPatternText } from "../config/schema-connections.ts";
import { reasonOf } from "../config/secret-sources.ts";
import { bySchema, type Parsed, type Question } from "./answers.ts";
import { GITHUB_URL_DEFAULT, type GitHubPlaces, parsePlaces } from "./places.ts";

const MACHINE_COUNT_MAX = 10_000;
const MACHINE_COUNT_DEFAULT = 4;
const NAME_LENGTH_MAX = 30;

export const GITHUB: Question<GitHubPlaces> = {
  flag: "--github-url <address>",
  asks: "Where is your GitHub?",
  example: GITHUB_URL_DEFAULT,
  fallback: GITHUB_URL_DEFAULT,
  parse: (text) => {
    const value = parsePlaces(text);
    return value === null ? { problem: "must be an https address, as in https://ghe.acme.com" } : { value };
  },
};

export const ORGANIZATION: Question<string> = {
  flag: "--organization <name>",
  asks: "Which organization?",
  example: "acme",
  fallback: null,
  parse: bySchema(organizationText()),
};

export const REPOSITORIES: Question<readonly string[]> = {
  flag: "--repositories <list>",
  asks: "Which repositories? (commas between; `acme/*` for all of acme's)",
  example: "acme/widgets, acme/gadgets",
  fallback: null,
  parse: (text) => parseList(text, bySchema(repositoryPatternText())),
};

export const ENTERPRISE: Question<string> = {
  flag: "--enterprise <name>",
  asks: "Which enterprise? (the name in its address)",
  example: "acme",
  fallback: null,
  parse: bySchema(enterpriseText()),
};

export const APP_ID: Question<number> = {
  flag: "--app-id <number>",
  asks: "What is the App's id? (on its settings page)",
  example: "123456",
  fallback: null,
  parse: (text) => parseCount(text, Number.MAX_SAFE_INTEGER, "must be the number on the App's settings page"),
};

export const PRIVATE_KEY: Question<string> = {
  flag: "--private-key-file <file>",
  asks: "Which file is the App's private key? (generated on its settings page)",
  example: "./app.pem",
  fallback: null,
  parse: parseFile,
};

export const TOKEN: Question<string> = {
  flag: "--token-file <file>",
  asks: "Which file holds the token, and nothing else?",
  example: "./github-token",
  fallback: null,
  parse: parseFile,
};

export const CA_FILE: Question<string> = { ...TOKEN, flag: "--ca-file <file>", example: "./ca.pem" };

/** GitHub does not send webhooks to the computer that it does not know: its own is only where a simulated one is. */
export function webhooksQuestion(github: GitHubPlaces | null): Question<string> {
  const isSimulated = github !== null && isLoopback(new URL(github.apiUrl).hostname);
  return {
    flag: "--webhooks-url <address>",
    asks: "Under which address does GitHub reach this computer?",
    example: "https://holdfast.acme.com",
    fallback: null,
    parse: (text) => {
      const parsed = bySchema(urlText())(text);
      if ("problem" in parsed || isSimulated || !isLoopback(new URL(parsed.value).hostname)) return parsed;
      return { problem: "must be an address that GitHub reaches; this one is this computer's own name for itself" };
    },
  };
}

export const LISTEN: Question<ListenAddress> = {
  flag: "--listen <address>",
  asks: "Which address does Holdfast listen on?",
  example: LISTEN_DEFAULT,
  fallback: LISTEN_DEFAULT,
  parse: bySchema(listenText()),
};

/** @param account the organization or owner, for a name that nobody else's Holdfast is likely to have. */
export function controllerQuestion(account: string): Question<string> {
  const name = account.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const short = `${name
    .replace(/^-+/, "")
    .slice(0, NAME_LENGTH_MAX - "-ci".length)
    .replace(/-+$/, "")}-ci`;
  return {
    flag: "--controller-id <name>",
    asks: "What is this Holdfast called? The name never changes.",
    example: "acme-ci",
    fallback: short.replace(/^-/, ""),
    parse: bySchema(nameText()),
  };
}

export const OPERATOR: Question<string> = {
  flag: "--operator <name>",
  asks: "Who operates it?",
  example: "admin",
  fallback: "admin",
  parse: bySchema(nameText()),
};

export interface Computer {
  /** Node's words: `linux`, `darwin`; `x64`, `arm64`. */
  readonly platform: string;
  readonly architecture: string;
}

export function systemName({ platform }: Computer): string {
  return platform === "darwin" ? "macos" : platform;
}

export function labelsQuestion(computer: Computer): Question<readonly string[]> {
  return {
    flag: "--labels <list>",
    asks: "Which labels do its runners offer to `runs-on`?",
    example: "self-hosted, linux, x64",
    fallback: ["self-hosted", systemName(computer), computer.architecture].join(", "),
    parse: (text) => parseList(text, (label) => ({ value: label })),
  };
}

export const MACHINES: Question<number> = {
  flag: "--max <count>",
  asks: "How many jobs may run at once?",
  example: String(MACHINE_COUNT_DEFAULT),
  fallback: String(MACHINE_COUNT_DEFAULT),
  parse: (text) => parseCount(text, MACHINE_COUNT_MAX, `must be a whole number from 1 to ${MACHINE_COUNT_MAX}`),
};

export const RUNNER_DIRECTORY: Question<string> = {
  flag: "--runner-directory <folder>",
  asks: "In which folder is GitHub's runner? (it can be put there later)",
  example: "/opt/runner",
  fallback: "/opt/runner",
  parse: parsePath,
};

export const WORK_DIRECTORY: Question<string> = {
  flag: "--work-directory <folder>",
  asks: "In which folder do the machines work?",
  example: "./machines",
  fallback: "./machines",
  parse: parsePath,
};

function parsePath(text: string): Parsed<string> {
  return text === "" ? { problem: "is empty" } : { value: text };
}

/** A file that is there already; relative paths begin where the command was started. */
function parseFile(text: string): Parsed<string> {
  const path = resolve(text);
  try {
    return text !== "" && statSync(path).isFile() ? { value: path } : { problem: "names no file" };
  } catch (error) {
    return { problem: `names a file that cannot be read: ${reasonOf(error)}` };
  }
}

function parseCount(text: string, max: number, problem: string): Parsed<number> {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= max ? { value } : { problem };
}

function parseList<Value>(text: string, parse: (text: string) => Parsed<Value>): Parsed<readonly Value[]> {
  const entries = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0) return { problem: "needs at least one entry" };
  const values: Value[] = [];
  for (const entry of entries) {
    const parsed = parse(entry);
    if ("problem" in parsed) return parsed;
    values.push(parsed.value);
  }
  return { value: values };
}
