/** Moments and amounts as Kubernetes writes them. */
import { formatInstant } from "../../domain/instant.ts";

const WHOLE_SECONDS = "2026-05-04T04:22:10".length;

/** `2026-05-04T04:22:10Z`: whole seconds, what is less is cut off. */
export function wireTime(epochMs: number): string {
  return `${formatInstant(epochMs).slice(0, WHOLE_SECONDS)}Z`;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  m: 0.001,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** `500m` is a half, `2Gi` so many bytes; null for what is no quantity. */
export function readQuantity(text: string): number | null {
  const [, digits, suffix = ""] = /^([+-]?\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = SUFFIXES[suffix];
  return digits === undefined || factor === undefined ? null : Number(digits) * factor;
}
