/** Questions on a terminal. Whoever stops one (Ctrl-C, Esc, a signal) stops the setup. */
import { CANCEL_SYMBOL, confirm, intro, isCancel, log, select, text } from "@clack/prompts";
import { CommandError } from "../commands/failure.ts";

export interface TextQuestion {
  readonly asks: string;
  /** Stands there already, to be taken or changed; empty for nothing. */
  readonly fallback: string;
  readonly example: string;
  /** @returns what is wrong with it; null for nothing. */
  readonly findProblem: (answer: string) => string | null;
}

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly hint: string;
}

export interface Prompts {
  begin(title: string): void;
  say(sentence: string): void;
  text(question: TextQuestion): Promise<string>;
  choose<Value extends string>(asks: string, choices: readonly Choice<Value>[]): Promise<Value>;
  /** @param over makes the question pointless; the answer is no then. */
  confirm(asks: string, over: AbortSignal): Promise<boolean>;
}

export function openPrompts(stop: AbortSignal): Prompts {
  return {
    begin: (title) => intro(title),
    say: (sentence) => log.message(sentence),
    text: async ({ asks, fallback, example, findProblem }) =>
      answered(
        await text({
          message: asks,
          initialValue: fallback,
          placeholder: example,
          validate: (answer) => findProblem((answer ?? "").trim()) ?? undefined,
          signal: stop,
        }),
      ).trim(),
    choose: async (asks, choices) =>
      choiceOf(
        choices,
        answered(
          await select<string>({
            message: asks,
            options: choices.map((choice) => ({ ...choice })),
            showInstructions: false,
            signal: stop,
          }),
        ),
      ),
    confirm: async (asks, over) => {
      const answer = await confirm({ message: asks, signal: AbortSignal.any([stop, over]) });
      return isCancel(answer) && over.aborted && !stop.aborted ? false : answered(answer);
    },
  };
}

function answered<Value>(answer: Value | typeof CANCEL_SYMBOL): Value {
  if (answer === CANCEL_SYMBOL) throw stopped();
  return answer;
}

function choiceOf<Value extends string>(choices: readonly Choice<Value>[], value: string): Value {
  const chosen = choices.find((choice) => choice.value === value);
  if (chosen === undefined) throw stopped();
  return chosen.value;
}

export function stopped(): CommandError {
  return new CommandError("setting up Holdfast", {
    code: "init-failed",
    wrong: "it was stopped; nothing was written",
    mend: "",
  });
}
