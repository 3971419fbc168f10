/** One way to an answer: the flag, else the question, else what is usual; and all that is wrong or missing told at once. */
import type * as z from "zod";
import { CommandError } from "../commands/failure.ts";
import type { Choice, Prompts } from "./prompts.ts";

export type Parsed<Value> = { readonly value: Value } | { readonly problem: string };

export interface Question<Value> {
  /** As it is written on the command line: `--max <count>`. */
  readonly flag: string;
  readonly asks: string;
  readonly example: string;
  /** What is taken where nobody is asked; null where there is nothing usual. */
  readonly fallback: string | null;
  readonly parse: (text: string) => Parsed<Value>;
}

/** By the configuration's own rule for the key that the answer is written to. */
export function bySchema<Value>(schema: z.ZodType<Value, string>): Question<Value>["parse"] {
  return (text) => {
    const parsed = schema.safeParse(text);
    return parsed.success ? { value: parsed.data } : { problem: parsed.error.issues[0]?.message ?? "is not possible" };
  };
}

export class Answers {
  readonly #prompts: Prompts | null;
  readonly #problems: string[] = [];

  /** @param prompts null where nobody can be asked, or wants to be. */
  constructor(prompts: Prompts | null) {
    this.#prompts = prompts;
  }

  get isAsking(): boolean {
    return this.#prompts !== null;
  }

  /** @returns null after noting a problem. */
  async ask<Value>(question: Question<Value>, given: string | undefined): Promise<Value | null> {
    const { asks, example, fallback, parse } = question;
    if (given !== undefined || this.#prompts === null) return this.take(question, given);
    const findProblem = (answer: string) => {
      const parsed = parse(answer);
      return "problem" in parsed ? `It ${parsed.problem}.` : null;
    };
    return this.take(question, await this.#prompts.text({ asks, example, fallback: fallback ?? "", findProblem }));
  }

  /** What the flag says, else what is usual; nobody is asked. @returns null after noting a problem. */
  take<Value>({ flag, fallback, parse }: Question<Value>, given: string | undefined): Value | null {
    const text = given ?? fallback;
    if (text === null) {
      this.refuse(`${flag} is missing`);
      return null;
    }
    const parsed = parse(text.trim());
    if ("value" in parsed) return parsed.value;
    this.refuse(`${flag.split(" ")[0]} ${parsed.problem}`);
    return null;
  }

  /** @param missing what to say where nobody can be asked. @returns null after noting a problem. */
  async choose<Value extends string>(
    asks: string,
    choices: readonly Choice<Value>[],
    missing: string,
  ): Promise<Value | null> {
    if (this.#prompts !== null) return await this.#prompts.choose(asks, choices);
    this.refuse(missing);
    return null;
  }

  refuse(problem: string): void {
    this.#problems.push(problem);
  }

  /** What was wrong or missing, for whoever started the command. */
  asError(): CommandError {
    return new CommandError("reading the flags of `holdfast init`", {
      code: "usage",
      wrong: this.#problems.join("; "),
      mend: "`holdfast init --help` lists the flags; on a terminal, without `--yes`, it asks for what is missing.",
    });
  }

  get hasProblems(): boolean {
    return this.#problems.length > 0;
  }
}
