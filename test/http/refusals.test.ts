import { expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { NOTED_PER_MINUTE_MAX, RefusalLog } from "../../src/http/refusals.ts";
import type { LogFields } from "../../src/ports/telemetry.ts";
import { START_MS } from "../domain/builders.ts";
import { clockAt, recordTelemetry } from "./stand-ins.ts";

const CALL = { surface: "webhooks", caller: "203.0.113.7", status: 401, method: "POST", path: "/webhooks/github" };

it("tells who was refused what, and of a flood only how many there were", () => {
  const clock = clockAt(START_MS);
  const noted: LogFields[] = [];
  const warn = (_message: string, fields: LogFields = {}) => void noted.push(fields);
  const log = new RefusalLog(clock, { ...recordTelemetry(), warn });
  for (let count = 0; count < NOTED_PER_MINUTE_MAX + 5; count += 1) log.note(CALL);
  expect(noted).toEqual(Array.from({ length: NOTED_PER_MINUTE_MAX }, () => CALL));
  clock.moveTo(START_MS + MINUTE_MS - 1);
  log.note(CALL);
  expect(noted).toHaveLength(NOTED_PER_MINUTE_MAX);
  clock.moveTo(START_MS + MINUTE_MS);
  log.note({ ...CALL, path: `/${"x".repeat(10_000)}` });
  log.note(CALL);
  expect(noted.slice(NOTED_PER_MINUTE_MAX)).toEqual([
    { ...CALL, path: expect.stringMatching(/^\/x{199}$/), unnotedBefore: 6 },
    CALL,
  ]);
});
