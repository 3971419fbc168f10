/** Texts as the shell takes them, whatever is in them. */
import { invariant } from "../invariant.ts";

/** One word. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const END = "HOLDFAST_FILE";

/** A command that is given a text. @param text ends with a line's end. */
export function hereDocument(command: string, text: string): string {
  invariant(text.endsWith("\n") && !`\n${text}`.includes(`\n${END}\n`), "a text does not hold the word that ends it");
  return `${command} <<'${END}'
${text}${END}
`;
}

/** @param path a word of the shell, quoted already. */
export function writeFile(path: string, text: string): string {
  return hereDocument(`cat > ${path}`, text);
}
