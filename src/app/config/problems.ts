import { HoldfastError } from "../../domain/errors.ts";

export interface ConfigProblem {
  /** The key, as in `pools[0].labels`; a place in the file where it is not even YAML; a variable of the environment. */
  readonly path: string;
  /** What is wrong. Never a value that was found: it might be a secret. */
  readonly problem: string;
  /** What to do. */
  readonly mend: string;
}

/** All that is wrong with a configuration, at once. */
export class ConfigError extends HoldfastError {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(
    code: "config-invalid" | "config-unreadable",
    options: { readonly file: string; readonly problems: readonly ConfigProblem[]; readonly cause?: unknown },
  ) {
    super(code, `reading the configuration ${options.file}`, options);
    this.file = options.file;
    this.problems = options.problems;
  }
}

/** What is found on the way: collected, so that one reading reports everything. */
export class ProblemList {
  readonly #problems: (ConfigProblem & { readonly isUnreadable: boolean })[] = [];

  add(path: string, problem: string, mend: string): void {
    this.#problems.push({ path, problem, mend, isUnreadable: false });
  }

  /** A file that the configuration names cannot be read. */
  addUnreadable(path: string, problem: string, mend: string): void {
    this.#problems.push({ path, problem, mend, isUnreadable: true });
  }

  /** @throws {ConfigError} `config-invalid` | `config-unreadable` (nothing is wrong but files that cannot be read) */
  throwIfAny(file: string): void {
    if (this.#problems.length === 0) return;
    const code = this.#problems.every(({ isUnreadable }) => isUnreadable) ? "config-unreadable" : "config-invalid";
    const problems = this.#problems.map(({ path, problem, mend }) => ({ path, problem, mend }));
    throw new ConfigError(code, { file, problems });
  }
}

/** `pools[0].runner.environment.PATH`; the empty path is the file itself. */
export function renderPath(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return text === "" ? "(the file)" : text.replace(/^\./, "");
}

/** For a person at a terminal: path, what is wrong, and under it what to do. Plain text. */
export function renderProblems(error: ConfigError): string {
  const count = error.problems.length;
  const width = Math.max(...error.problems.map(({ path }) => path.length));
  const entries = error.problems.map(
    ({ path, problem, mend }) => `  ${path.padEnd(width)}  ${problem}\n  ${"".padEnd(width)}  -> ${mend}`,
  );
  return `${error.file}: ${count} ${count === 1 ? "problem" : "problems"}\n\n${entries.join("\n")}\n`;
}
