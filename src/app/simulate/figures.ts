/** How a report says figures: for a person, in few words. */
import { formatInstant } from "../../domain/instant.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { clockTime, formatDuration } from "../../http/text/durations.ts";

/** `1,234` */
export function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}

/** `1 job`, `1,234 jobs` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `12s`, `1m 30s`; below ten seconds with a tenth. */
export function wait(seconds: number): string {
  return seconds > 0 && seconds < 10 ? `${Math.round(seconds * 10) / 10}s` : formatDuration(seconds * SECOND_MS);
}

/** Machine-minutes, without a fraction where there are many. */
export function minutes(value: number): string {
  return count(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}

/** `08:14:07` of the world's clock, in UTC. */
export function clockAt(startMs: number, atMs: number): string {
  return clockTime(formatInstant(startMs + atMs));
}

/** `2026-01-05 08:00 UTC` */
export function dateAt(atMs: number): string {
  return `${formatInstant(atMs).slice(0, 16).replace("T", " ")} UTC`;
}

/** `14m after the start` */
export function sinceStart(atMs: number): string {
  return `${formatDuration(atMs)} after the start`;
}

/** The greatest first: `a 12, b 3 and 2 others`. */
export function listCounts(counts: Readonly<Record<string, number>>, shownMax: number): string {
  const sorted = Object.entries(counts)
    .filter(([, value]) => value > 0)
    .sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  const shown = sorted.slice(0, shownMax).map(([name, value]) => `${name} ${count(value)}`);
  const rest = sorted.length - shown.length;
  return `${shown.join(", ")}${rest > 0 ? ` and ${counted(rest, "other kind")}` : ""}`;
}
