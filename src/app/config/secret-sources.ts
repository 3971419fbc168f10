/** Where one secret comes from: a file, or a variable of the environment. Neither value nor file name is ever repeated. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Environment } from "./environment.ts";
import type { ProblemList } from "./problems.ts";

const SECRET_BYTES_MAX = 65_536;

export interface SecretPlace {
  /** The key that names the file. */
  readonly path: string;
  readonly file: string | undefined;
  /** Null where only a file will do. */
  readonly variable: string | null;
  /** A command that makes such a file, or where else to get it. */
  readonly source: string;
  /** Of the file; `SECRET_BYTES_MAX` where nothing is said. */
  readonly byteCountMax?: number;
}

/** A name of the configuration as part of a variable: `ci-eu` becomes `CI_EU`. */
export function variableOf(...words: readonly string[]): string {
  return ["holdfast", ...words].join("_").replaceAll("-", "_").toUpperCase();
}

export class SecretReader {
  readonly #folder: string;
  readonly #environment: Environment;
  readonly problems: ProblemList;

  constructor(folder: string, environment: Environment, problems: ProblemList) {
    this.#folder = folder;
    this.#environment = environment;
    this.problems = problems;
  }

  has(variable: string): boolean {
    return (this.#environment[variable] ?? "") !== "";
  }

  /** For what may stand in the configuration itself as well. @returns null where there is no such variable. */
  variable(name: string): string | null {
    return this.#environment[name]?.trim() || null;
  }

  /** @returns null after adding a problem. */
  async read(place: SecretPlace): Promise<Buffer | null> {
    const { path, file, variable, source } = place;
    const inVariable = variable === null ? undefined : this.#environment[variable] || undefined;
    if (file !== undefined && inVariable !== undefined) {
      this.problems.add(path, `is set, and the variable ${variable} is too`, "keep one of them");
      return null;
    }
    if (inVariable !== undefined) return Buffer.from(inVariable.replaceAll("\\n", "\n"));
    if (file !== undefined) return await this.#readFile(place, file);
    this.problems.add(path, "is missing", `${source}; or set the variable ${variable}`);
    return null;
  }

  /** @returns the secret without white space around it. */
  async readText(place: SecretPlace, pattern: RegExp, rule: string): Promise<string | null> {
    const bytes = await this.read(place);
    const text = bytes?.toString("utf8").trim() ?? null;
    if (text === null || pattern.test(text)) return text;
    this.problems.add(place.path, text === "" ? "holds nothing" : rule, place.source);
    return null;
  }

  async #readFile(place: SecretPlace, file: string): Promise<Buffer | null> {
    const { path, source, byteCountMax = SECRET_BYTES_MAX } = place;
    try {
      const bytes = await readFile(resolve(this.#folder, file));
      if (bytes.length <= byteCountMax) return bytes;
      this.problems.add(path, `names a file of more than ${byteCountMax} bytes`, source);
    } catch (error) {
      const mend = `${source}; relative paths begin at ${this.#folder}`;
      this.problems.addUnreadable(path, `names a file that cannot be read: ${reasonOf(error)}`, mend);
    }
    return null;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is none",
  ENOTDIR: "there is none",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
};

/** The system's own message would repeat the path. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return REASONS[code] ?? code;
}
