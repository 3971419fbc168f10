import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SourceFile } from "./source-file.ts";

export const ROOT = join(import.meta.dirname, "..", "..");

export interface TempTree {
  readonly folder: string;
  remove(): void;
}

export interface TempTreeRequest {
  readonly files: readonly SourceFile[];
  /** Files of the repository that are copied into it, mostly the settings of the tool on trial. */
  readonly copied: readonly string[];
  /** Links the repository's node_modules into it. */
  readonly withPackages?: boolean;
}

/** A small tree of its own in the system's folder for temporary files; the repository is not touched. */
export function makeTempTree(request: TempTreeRequest): TempTree {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-house-"));
  for (const path of request.copied) cpSync(join(ROOT, path), join(folder, path));
  for (const file of request.files) {
    mkdirSync(dirname(join(folder, file.path)), { recursive: true });
    writeFileSync(join(folder, file.path), file.text);
  }
  if (request.withPackages === true) symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
