import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";

/** The two greatest units that say something: `42s`, `3m`, `3m 20s` below ten minutes, `2h 5m`, `3d 4h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)}s`;
  if (ms < 10 * MINUTE_MS) return two(ms, MINUTE_MS, "m", SECOND_MS, "s");
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms < DAY_MS) return two(ms, HOUR_MS, "h", MINUTE_MS, "m");
  return two(ms, DAY_MS, "d", HOUR_MS, "h");
}

function two(ms: number, greatMs: number, great: string, smallMs: number, small: string): string {
  const smallCount = Math.floor((ms % greatMs) / smallMs);
  return `${Math.floor(ms / greatMs)}${great}${smallCount === 0 ? "" : ` ${smallCount}${small}`}`;
}

/** @param at, @param now ISO instants of one clock. @returns `just now`, `3m ago`. */
export function formatAgo(at: string, now: string): string {
  const agoMs = Date.parse(now) - Date.parse(at);
  return agoMs < SECOND_MS ? "just now" : `${formatDuration(agoMs)} ago`;
}

/** The time between two ISO instants. */
export function formatBetween(from: string, to: string): string {
  return formatDuration(Date.parse(to) - Date.parse(from));
}

/** `16:08:55`, in UTC. */
export function clockTime(at: string): string {
  return at.slice(11, 19);
}
