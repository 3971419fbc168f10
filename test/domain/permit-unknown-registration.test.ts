/** The row `unknown-registration` of the permit table, condition by condition. */
import { describe, expect, it } from "vitest";
import { parseControllerId } from "../../src/domain/ids.ts";
import { issuePermit, type UnknownRegistrationRequest } from "../../src/domain/permit.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { isOurRunnerName, runnerNameOf } from "../../src/domain/runner-name.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { connectionName, epoch, heard, runnerId, START_MS } from "./builders.ts";

const CI = parseControllerId("ci");
const runner = {
  id: runnerId(),
  name: runnerNameOf(CI, "abcdefgh2345"),
  isOnline: false,
  isBusy: false,
  version: null,
};
const GHOST: UnknownRegistrationRequest = {
  kind: "delete-unknown-registration",
  controllerId: CI,
  connection: connectionName(),
  scope: { kind: "organization", organization: "acme" },
  runner,
  offlineSinceMs: START_MS,
  lastReadAtMs: START_MS + DAY_MS,
  isTicketKnown: false,
  epoch: epoch(),
  time: heard(DAY_MS),
};

describe("unknown-registration", () => {
  it("is granted for our prefix, offline in every reading of a day", () => {
    expect(issuePermit(GHOST)).toMatchObject({
      permit: { proof: "unknown-registration", runnerId: runnerId(), ticketId: null },
    });
  });

  it.each<readonly [string, Partial<UnknownRegistrationRequest>, ReasonCode]>([
    ["a day is not over", { offlineSinceMs: START_MS + 1 }, "github-says-away-too-short"],
    ["it is online now", { runner: { ...runner, isOnline: true } }, "github-says-online"],
    ["it is busy now", { runner: { ...runner, isBusy: true } }, "github-says-online"],
    ["its ticket is known after all", { isTicketKnown: true }, "registration-not-over"],
    ["its name is not ours", { runner: { ...runner, name: "build-7" } }, "not-ours-from-the-start"],
    ["the last reading is old", { lastReadAtMs: START_MS + DAY_MS - MINUTE_MS - 1 }, "github-not-read"],
  ])("is refused: %s", (_name, changes, missing) => {
    expect(issuePermit({ ...GHOST, ...changes })).toEqual({ kind: "refused", missing: [missing] });
  });
});

it.each([
  ["hf-ci-abcdefgh2345", true],
  ["hf-ci-eu-abcdefgh2345", false],
  ["hf-ci-", false],
  ["hf-ci-abc", false],
  ["hf-c-abcdefgh2345", false],
  ["xhf-ci-abcdefgh2345", false],
  ["hf-ci-abcdefgh2345x-y", false],
])("%s is ours: %s", (name, isOurs) => {
  expect(isOurRunnerName(name, CI)).toBe(isOurs);
});
