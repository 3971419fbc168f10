import parseMilliseconds from "parse-duration";

/** Each unit at most once, the greatest first, none left out: `90s`, `1h30m`, `7d`. */
const DURATION = /^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?$/;

/** @returns milliseconds, or null for anything that is not a duration of whole units. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  const milliseconds = parseMilliseconds(text);
  return milliseconds !== null && Number.isSafeInteger(milliseconds) ? milliseconds : null;
}
