import { formatInstant as formatWithFraction } from "../../domain/instant.ts";

const SECONDS_LENGTH = "2026-08-19T16:08:55".length;

/** Epoch milliseconds as GitHub writes them: `2026-08-19T16:08:55Z`, without fractions. */
export function formatInstant(epochMs: number): string {
  return `${formatWithFraction(epochMs).slice(0, SECONDS_LENGTH)}Z`;
}
