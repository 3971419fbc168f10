/** Debian's `prometheus` package has promtool; it is not needed to build or run Holdfast. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../house/temp-tree.ts";

export const RULES = join(ROOT, "deploy/prometheus/alerts.yaml");

/** Null where it is there; else why what needs it is skipped. */
export function whyNoPromtool(): string | null {
  const { error } = spawnSync("promtool", ["--version"]);
  return error === undefined ? null : "skipped: there is no promtool here (Debian: apt-get install prometheus)";
}

/** @returns what it printed. @throws where it failed, with that. */
export function promtool(...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("promtool", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`promtool ${words.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}
