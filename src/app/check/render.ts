/** Findings as a person reads them: by area, each with its mark, under it what to do, and a last line that counts. */
import { plainText } from "../../http/text/plain-text.ts";
import type { Colours } from "../terminal/io.ts";
import { textWidth } from "../terminal/text-width.ts";
import { countOf, type Finding, type Severity } from "./finding.ts";

export interface RenderOptions {
  readonly colours: Colours;
  /** Infinite where nobody looks: nothing is broken then. */
  readonly width: number;
}

/** Marks for eyes, words for programs that read a pipe line by line. */
const MARKS: Readonly<Record<Severity, string>> = { ok: "✓", warning: "!", error: "✗" };
const WORDS: Readonly<Record<Severity, string>> = { ok: "ok     ", warning: "warning", error: "error  " };
const TONES = { ok: "green", warning: "yellow", error: "red" } as const satisfies Record<Severity, keyof Colours>;

export function renderFindings(findings: readonly Finding[], options: RenderOptions): string {
  const areas = [...new Set(findings.map(({ area }) => area))];
  return areas
    .map((area) => {
      const own = findings.filter((finding) => finding.area === area).map((finding) => renderFinding(finding, options));
      return `${options.colours.bold(plainText(area))}\n${own.join("")}`;
    })
    .join("\n");
}

function renderFinding({ severity, path, finding, mend }: Finding, { colours, width }: RenderOptions): string {
  const mark = Number.isFinite(width) ? MARKS[severity] : WORDS[severity];
  const margin = " ".repeat(textWidth(mark) + 3);
  const [first = "", ...rest] = breakLines(plainText(finding), width - margin.length);
  const lines = [`  ${colours[TONES[severity]](mark)} ${first}`, ...rest.map((line) => `${margin}${line}`)];
  if (severity !== "ok") {
    const [mendFirst = "", ...mendRest] = breakLines(plainText(mend), width - margin.length - 3);
    lines.push(`${margin}-> ${mendFirst}`, ...mendRest.map((line) => `${margin}   ${line}`));
    lines.push(`${margin}${colours.dim(plainText(path))}`);
  }
  return `${lines.join("\n")}\n`;
}

/** @example "2 errors, 1 warning, 9 sound" */
export function renderSummary(findings: readonly Finding[], { colours }: Pick<RenderOptions, "colours">): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const [errorCount, warningCount] = [count("error"), count("warning")];
  const counts = [countOf(errorCount, "error"), countOf(warningCount, "warning"), `${count("ok")} sound`].join(", ");
  if (errorCount > 0) return `${colours.red(counts)}\n`;
  return `${warningCount > 0 ? colours.yellow(counts) : colours.green(counts)}\n`;
}

/** Broken between words only: an address that is longer than the line stays whole, so that it can be copied. */
export function breakLines(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
