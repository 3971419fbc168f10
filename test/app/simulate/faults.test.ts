import { expect, it } from "vitest";
import { parse } from "yaml";
import { ProblemList } from "../../../src/app/config/problems.ts";
import { SHARES } from "../../../src/app/simulate/fault-fields.ts";
import { readFaults } from "../../../src/app/simulate/read-faults.ts";
import { blockOf, FAULT_KINDS, FAULTS } from "../../../src/app/simulate/schema-faults.ts";

function readOne(written: unknown) {
  const problems = new ProblemList();
  const faults = readFaults([written], problems);
  problems.throwIfAny("scenario.yaml");
  return faults[0];
}

it.each(FAULT_KINDS)("%s is read from its example, times in milliseconds", (kind) => {
  const written = parse(FAULTS[kind].example) as Record<string, unknown>;
  const fault = readOne(written);
  expect(fault).toMatchObject({ kind });
  const shape = blockOf(kind).shape;
  for (const [name, value] of Object.entries(fault ?? {})) {
    const isTime = name.endsWith("Ms");
    expect(Object.keys(shape)).toContain(isTime ? name.slice(0, -2) : name);
    if (isTime) expect([value].flat().every((one) => typeof one === "number")).toBe(true);
  }
  const isShared = SHARES.some((share) => share in FAULTS[kind].fields);
  const fieldCount = Object.keys(FAULTS[kind].fields).filter((name) => name !== "job" || name in written).length;
  expect(Object.keys(fault ?? {})).toHaveLength(1 + fieldCount);
  expect("probability" in shape).toBe(isShared || "probability" in FAULTS[kind].fields);
});

it("has another word for a share, and means the one job that it names", () => {
  expect(readOne({ kind: "host.runner-exits", probability: 0.3 })).toEqual({
    kind: "host.runner-exits",
    perTicket: 0.3,
  });
  expect(readOne({ kind: "github.busy-flag-never", job: "B" })).toEqual({
    kind: "github.busy-flag-never",
    job: "B",
    perJob: 1,
  });
});

it("takes one duration for a range, and one back in time only for a clock", () => {
  expect(readOne({ kind: "provider.listing-lag", lag: "3m" })).toMatchObject({ lagMs: [180_000, 180_000] });
  const step = { kind: "controller.clock-step", every: "1h", by: ["-5m", "90s"] };
  expect(readOne(step)).toMatchObject({ byMs: [-300_000, 90_000] });
});
