/** What rounds measured as figures: medians, with the peer's beside them. */
import { type Figure, median, rounded } from "../bench.ts";
import { type Calls, total } from "./slow-way.ts";

/** What is asked every few seconds whether or not anything happens: webhooks that were missed, and machines that are there. */
const PERIODIC: ReadonlySet<string> = new Set(["GET /app/hook/deliveries", "DescribeInstances (listing)"]);

/** @param peerTotal of terraform-aws-github-runner. */
export function callFigures(service: string, rounds: readonly Calls[], peerTotal: number): readonly Figure[] {
  const names = [...new Set(rounds.flatMap((calls) => Object.keys(calls)))].sort();
  const byName = names
    .filter((name) => !PERIODIC.has(name))
    .map((name) => ({ what: `  ${name}`, ours: median(rounds.map((calls) => calls[name] ?? 0)) }));
  return [
    { what: `${service} calls`, ours: totalOf(rounds), peer: peerTotal },
    ...byName,
    { what: "  and looks that are made every few seconds anyway", ours: median(rounds.map(total)) - totalOf(rounds) },
  ];
}

/** Without the looks that are made anyway. */
export function totalOf(rounds: readonly Calls[]): number {
  const owed = (calls: Calls) => Object.entries(calls).filter(([name]) => !PERIODIC.has(name));
  return median(rounds.map((calls) => total(Object.fromEntries(owed(calls)))));
}

export interface Timed {
  readonly seconds: number;
  /** Of the controller. Where it is much less than the seconds, others had the computer's cores. */
  readonly cpuSeconds: number;
}

export function timeFigures(what: string, rounds: readonly Timed[], peerSeconds: number): readonly Figure[] {
  const cpuSeconds = rounded(median(rounds.map((round) => round.cpuSeconds)), 2);
  return [
    { what, ours: secondsOf(rounds), peer: peerSeconds, unit: "s" },
    { what: "  of them the controller's CPU", ours: cpuSeconds, unit: "s" },
  ];
}

export function secondsOf(rounds: readonly Timed[]): number {
  return rounded(median(rounds.map(({ seconds }) => seconds)), 2);
}
