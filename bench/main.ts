/**
 * What Holdfast costs and how fast it is, measured.
 *
 *   npm run bench -- [name…] [--json] [--rounds 5] [--hours 24] [--seed 1]
 *
 * Without a name all that there are, and their results also go to bench/results.json. The exit code is 1 where an aim was missed.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { coloursOf } from "../src/app/terminal/io.ts";
import { renderTable } from "../src/app/terminal/table.ts";
import { type Aim, type Bench, type BenchResult, type Figure, resultOf } from "./bench.ts";
import { launch } from "./launch.ts";
import { pods } from "./pods.ts";
import { reading } from "./reading.ts";
import { retire } from "./retire.ts";
import { simulate } from "./simulate.ts";

const BENCHES: readonly Bench[] = [retire, launch, simulate, reading, pods];
const RESULTS = new URL("results.json", import.meta.url);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    hours: { type: "string", default: "24" },
    seed: { type: "string", default: "1" },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = BENCHES.map(({ name, work }) => `  ${name}: ${work}`).join("\n");
    process.stderr.write(`There is no bench ${unknown.join(", ")}. There are:\n${known}\n`);
    return 2;
  }
  const chosen = BENCHES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const results: BenchResult[] = [];
  for (const bench of chosen) {
    const result = resultOf(bench.name, await bench.run({ ...readNumbers(), note: (text) => tell(bench, text) }));
    results.push(result);
    if (!values.json) process.stdout.write(render(bench, result));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results.length === 1 ? results[0] : results, null, 2)}\n`);
  if (positionals.length === 0) writeFileSync(RESULTS, `${JSON.stringify({ ...circumstances(), results }, null, 2)}\n`);
  return results.every(({ met }) => met) ? 0 : 1;
}

function readNumbers() {
  return { rounds: Number(values.rounds), hours: Number(values.hours), seed: Number(values.seed) };
}

function tell({ name }: Bench, text: string): void {
  process.stderr.write(`${name}: ${text}\n`);
}

function render({ name, work }: Bench, { figures, aims }: BenchResult): string {
  const colours = coloursOf({ ...io(), environment: process.env });
  const withUnit = (value: Figure["ours"] | undefined, unit = "") =>
    value === undefined ? "" : `${value}${unit === "" ? "" : ` ${unit}`}`;
  const measured = renderTable(
    figures,
    [
      { head: "", cell: ({ what }) => what },
      { head: "HOLDFAST", cell: ({ ours, unit }) => withUnit(ours, unit), align: "right" },
      { head: "TERRAFORM-AWS-GITHUB-RUNNER", cell: ({ peer, unit }) => withUnit(peer, unit), align: "right" },
    ],
    Number.POSITIVE_INFINITY,
    colours,
  );
  const judged = renderTable(
    aims,
    [
      { head: "AIM", cell: (aim) => `${aim.what} ${boundOf(aim)}` },
      { head: "MEASURED", cell: (aim) => String(aim.measured), align: "right" },
      { head: "MET", cell: ({ met }) => (met ? "yes" : { text: "NO", paint: colours.red }) },
    ],
    Number.POSITIVE_INFINITY,
    colours,
  );
  return `${colours.bold(name)}: ${work}\n\n${measured}\n${judged}\n`;
}

function boundOf({ most, least }: Aim): string {
  return most === undefined ? `>= ${least ?? 0}` : `<= ${most}`;
}

function io() {
  return { stdout: process.stdout, stderr: process.stderr, columns: 80, isTTY: process.stdout.isTTY === true };
}

function circumstances() {
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  return { commit, node: process.version, cores: availableParallelism() };
}
