import type { SourceFile } from "./source-file.ts";
import { show, type View } from "./views.ts";

export interface Hit {
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
}

/** One rule of the house. The planted files must be caught by it and the harmless ones, near misses, must not. */
export interface Rule {
  readonly name: string;
  readonly where: (path: string) => boolean;
  readonly find: (file: SourceFile) => readonly Hit[];
  readonly instead: string;
  readonly planted: readonly SourceFile[];
  readonly harmless: readonly SourceFile[];
}

/** One sentence for each place that breaks the rule: where, what, and what to use instead. */
export function applyRule(rule: Rule, files: readonly SourceFile[]): readonly string[] {
  return files
    .filter((file) => rule.where(file.path))
    .flatMap((file) =>
      rule.find(file).map((hit) => `${file.path}:${hit.line}: ${rule.name}: ${hit.what}. Instead: ${rule.instead}`),
    );
}

/** Finds a pattern, line by line, in one view of a file. */
export function matching(view: View, pattern: RegExp): Rule["find"] {
  return (file) =>
    show(file, view)
      .split("\n")
      .flatMap((line, index) => {
        const match = pattern.exec(line);
        return match === null ? [] : [{ line: index + 1, what: `\`${match[0].trim()}\`` }];
      });
}

/** A hit about the file itself rather than one of its lines. */
export function aboutFile(what: string): readonly Hit[] {
  return [{ line: 1, what }];
}
