import type { SourceFile } from "./source-file.ts";

/**
 * Whether a page of the reference is what its catalogue renders: null if it is, else a sentence that names the codes
 * that the page lacks and those that no longer exist.
 */
export function checkReferencePage(expected: SourceFile, files: readonly SourceFile[]): string | null {
  const page = files.find((file) => file.path === expected.path);
  if (page === undefined) return `${expected.path} is not there. Instead: npm run reference writes it`;
  if (page.text === expected.text) return null;
  const wanted = codesIn(expected.text);
  const found = codesIn(page.text);
  const missing = [...wanted].filter((code) => !found.has(code));
  const dead = [...found].filter((code) => !wanted.has(code));
  const what = [
    missing.length === 0 ? "" : `lacks ${missing.join(", ")}`,
    dead.length === 0 ? "" : `still lists ${dead.join(", ")}`,
  ].filter((part) => part !== "");
  return `${expected.path} ${what.join(" and ") || "differs in its text"}. Instead: npm run reference writes it anew`;
}

function codesIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^## (.+)$/gm)].map((match) => match[1] ?? ""));
}
