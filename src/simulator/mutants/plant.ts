/** Applies the changes of a mutant to the text of one source file. Pure. */
import type { Change } from "./mutant.ts";

/** The source has moved on from what a mutant says of it: its file is to be brought up to date. */
class UnplantedError extends Error {
  override readonly name = "UnplantedError";
  readonly code = "mutant-unplanted";
}

/**
 * @param changes all of this file's. Each text is sought in the source as it is, so that none hides behind another.
 * @throws {UnplantedError} where a text does not stand there exactly once, or two overlap.
 */
export function plant(source: string, text: string, changes: readonly Change[]): string {
  for (const change of changes) {
    const count = text.split(change.text).length - 1;
    if (change.text === "" || count !== 1) throw new UnplantedError(tell(source, change, `${count} times`));
  }
  return changes.reduce((planted, change) => {
    const parts = planted.split(change.text);
    if (parts.length !== 2) throw new UnplantedError(tell(source, change, "across another change"));
    return parts.join(change.replacement);
  }, text);
}

function tell(source: string, { text }: Change, where: string): string {
  const mend = "Bring the mutant's text up to date with the source: it has to stand there exactly once.";
  return `${source} has the text of a mutant ${where}: ${JSON.stringify(text)}. ${mend}`;
}
