import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One text file of the repository. */
export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([".git", "node_modules", "dist", "coverage", ".holdfast"]);
const NOT_TEXT = /\.(png|jpe?g|gif|ico|webp|woff2?|gz|zip|db|db-wal|db-shm)$/;

/** Every text file under the root, in the order of the names. What a build or a run leaves behind is not read. */
export function readTree(root: string, folder = ""): readonly SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : readTree(root, path);
      if (!entry.isFile() || NOT_TEXT.test(entry.name)) return [];
      return [{ path, text: readFileSync(join(root, path), "utf8") }];
    });
}

/** Whether the path lies in one of the places. A place is a folder or a file without its ending. */
export function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`) || path.startsWith(`${place}.`));
}

export function isCode(path: string): boolean {
  return /\.(ts|tsx|mts|cts|js|mjs|cjs)$/.test(path);
}
