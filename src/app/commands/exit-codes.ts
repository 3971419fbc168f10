/** What each exit code says: in the help, and in the reference. */
import { EXIT } from "./failure.ts";

export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, { readonly word: string; readonly sentence: string }>> =
  {
    ok: { word: "done", sentence: "What was asked for is done, or is so already." },
    failed: {
      word: "failed",
      sentence:
        "It was refused or could not be done; the error says why, and its code is in the [reference](errors.md).",
    },
    usage: {
      word: "wrong usage or configuration",
      sentence: "The words of the command, a name that means several things, or the configuration have to be mended.",
    },
    unreachable: { word: "no server found", sentence: "No server answered, or something that is no Holdfast." },
    notFound: { word: "not known", sentence: "The server knows nothing of that name." },
    unauthorized: {
      word: "not allowed",
      sentence: "The token is missing or wrong, or its operator's role does not allow it.",
    },
  };

/** `0 done, 1 failed, …` */
export function listExitCodes(): string {
  const all = Object.entries(EXIT) as readonly (readonly [keyof typeof EXIT, number])[];
  return all.map(([name, code]) => `${code} ${EXIT_MEANINGS[name].word}`).join(", ");
}
