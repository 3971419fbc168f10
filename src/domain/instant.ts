import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./units.ts";

/**
 * Epoch milliseconds as `2026-08-19T16:08:55.123Z`. By arithmetic (Howard Hinnant's civil-from-days): nothing that can
 * read a clock is needed to write a time down.
 */
export function formatInstant(epochMs: number): string {
  const { year, month, day } = civilDate(Math.floor(epochMs / DAY_MS));
  const inDayMs = ((epochMs % DAY_MS) + DAY_MS) % DAY_MS;
  const hour = Math.floor(inDayMs / HOUR_MS);
  const minute = Math.floor((inDayMs % HOUR_MS) / MINUTE_MS);
  const second = Math.floor((inDayMs % MINUTE_MS) / SECOND_MS);
  const milliseconds = Math.floor(inDayMs % SECOND_MS);
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  return `${date}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(milliseconds, 3)}Z`;
}

function civilDate(epochDay: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = epochDay + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
