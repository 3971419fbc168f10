/** The values that only a scenario has: moments, spans of time, shares. */
import * as z from "zod";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Range } from "../../simulator/world/chance.ts";
import { parseDuration } from "../config/durations.ts";
import { matchedText } from "../config/key.ts";

export const SPAN_MS_MAX = 31 * DAY_MS;
const SPAN = "from 0s to 31d";

/** One duration, or two in brackets between which it is drawn. @param isSigned also such as `-5m`. */
export function rangeText(isSigned = false) {
  return z.unknown().transform((value, context): Range => {
    const texts = Array.isArray(value) ? value : [value, value];
    const [from, to] = texts.map((text) => parseSpan(text, isSigned));
    if (texts.length === 2 && typeof from === "number" && typeof to === "number" && from <= to) return [from, to];
    const signed = isSigned ? "; back by a `-` before it" : "";
    const message = value === undefined ? "is missing" : `must be a duration, or \`[from, to]\`, ${SPAN}${signed}`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

function parseSpan(value: unknown, isSigned: boolean): number | null {
  if (typeof value !== "string") return null;
  const isBack = isSigned && value.startsWith("-");
  const spanMs = parseDuration(isBack ? value.slice(1) : value);
  if (spanMs === null || spanMs > SPAN_MS_MAX) return null;
  return isBack ? -spanMs : spanMs;
}

/** A point of time in the file: after the world's start, at a time of day, or an instant. */
export type Moment =
  | { readonly kind: "after"; readonly afterMs: number }
  | { readonly kind: "time-of-day"; readonly inDayMs: number }
  | { readonly kind: "instant"; readonly atMs: number };

const TIME_OF_DAY = /^(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?$/;
/** A zone is asked for: a time without one would be another on each computer. */
const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/;

export function parseTimeOfDay(text: string): number | null {
  const { hour, minute, second = "0" } = TIME_OF_DAY.exec(text)?.groups ?? {};
  if (Number(minute) >= 60 || Number(second) >= 60 || !(Number(hour) < 24)) return null;
  return Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS + Number(second) * SECOND_MS;
}

export function parseInstant(text: string): number | null {
  if (!INSTANT.test(text)) return null;
  const atMs = Date.parse(text.replace(" ", "T"));
  return Number.isNaN(atMs) ? null : atMs;
}

function momentOf(text: string, isAfter: boolean): Moment | null {
  const afterMs = isAfter ? parseDuration(text) : null;
  if (afterMs !== null) return afterMs > SPAN_MS_MAX ? null : { kind: "after", afterMs };
  const inDayMs = parseTimeOfDay(text);
  if (inDayMs !== null) return { kind: "time-of-day", inDayMs };
  const atMs = parseInstant(text);
  return atMs === null ? null : { kind: "instant", atMs };
}

function momentText(isAfter: boolean, message: string) {
  return z.string().transform((text, context) => {
    const moment = momentOf(text, isAfter);
    if (moment !== null) return moment;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

export function startText() {
  return momentText(false, "must be a time of day in UTC, or an instant with its zone");
}

export function jobMomentText() {
  return momentText(true, "must be a duration since the start, a time of day in UTC, or an instant with its zone");
}

/** Milliseconds since the start; the first such time of day that is not before it. */
export function sinceStartMs(moment: Moment, startMs: number): number {
  switch (moment.kind) {
    case "after":
      return moment.afterMs;
    case "instant":
      return moment.atMs - startMs;
    case "time-of-day":
      return (((moment.inDayMs - (startMs % DAY_MS)) % DAY_MS) + DAY_MS) % DAY_MS;
  }
}

/** 0: never or none, 1: always or all. */
export function shareNumber() {
  return z.number().min(0).max(1);
}

const OWNER_AND_NAME = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/;

export function repositoryText() {
  return matchedText(OWNER_AND_NAME, "must be `owner/name`");
}
