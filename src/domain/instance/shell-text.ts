/** Texts as the shell takes them, whatever is in them. */
import { invariant } from "../invariant.ts";

/** One word. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const END = "HOLDFAST_FILE";

/** Commands that write a file, with the folders above it. @param path a word of the shell, quoted already. */
export function writeFile(path: string, text: string): string {
  invariant(!`\n${text}`.includes(`\n${END}\n`), "a file does not hold the word that ends it");
  return `cat > ${path} <<'${END}'
${text}${END}
`;
}
