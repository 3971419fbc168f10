import { describe, expect, it } from "vitest";
import { START_MS } from "../../domain/builders.ts";
import { ok, type Routes, refusal, startReading } from "./reading-stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const WIDGETS = { kind: "repository", owner: "acme", repository: "widgets" } as const;
const BIG = { kind: "enterprise", enterprise: "big" } as const;
const PATH = "/orgs/acme/actions/runners/deprecations/2.329.0";
const NEVER = { registrationEndsAtMs: null, runtimeEndsAtMs: null };
const AT = "2026-10-17T00:00:00Z";
const AT_MS = Date.parse(AT);

describe("until when GitHub takes a runner's version", () => {
  it.each([
    ["both dates", { registration_deprecates_at: AT, runtime_deprecates_at: "2026-10-18T00:00:00.5+02:00" }, AT_MS],
    ["registration only", { registration_deprecates_at: AT }, AT_MS],
  ])("%s", async (_name, dates, registrationEndsAtMs) => {
    const { github } = await startReading({ [PATH]: ok({ runner_version: "2.329.0", ...dates }) });
    const runtime = "runtime_deprecates_at" in dates ? Date.parse(dates.runtime_deprecates_at) : null;
    await expect(github.readDeprecation(ACME, "2.329.0")).resolves.toEqual({
      kind: "present",
      value: { registrationEndsAtMs, runtimeEndsAtMs: runtime },
      observedAtMs: START_MS,
    });
  });

  it.each([
    ["no dates", {}],
    ["null", { registration_deprecates_at: null, runtime_deprecates_at: null }],
  ])("no end is named: %s", async (_name, dates) => {
    const { github } = await startReading({ [PATH]: ok({ runner_version: "2.329.0", ...dates }) });
    await expect(github.readDeprecation(ACME, "2.329.0")).resolves.toMatchObject({ kind: "present", value: NEVER });
  });

  it.each([
    ["an organization", ACME, "/orgs/acme"],
    ["a repository", WIDGETS, "/repos/acme/widgets"],
    ["an enterprise", BIG, "/enterprises/big"],
  ])("is asked where the runners are: %s", async (_name, scope, place) => {
    const path = `${place}/actions/runners/deprecations/2.330.1`;
    const { github } = await startReading({ [path]: ok({ runner_version: "2.330.1" }) });
    await expect(github.readDeprecation(scope, "2.330.1")).resolves.toMatchObject({ kind: "present" });
  });

  it("is absent where the server does not know the version, or the question", async () => {
    const { github } = await startReading({ [PATH]: refusal(404, "Not Found") });
    const observed = await github.readDeprecation(ACME, "2.329.0");
    expect(observed).toEqual({ kind: "absent", observedAtMs: START_MS });
  });
});

describe("a failed look is unknown, never an absence", () => {
  it.each<readonly [string, Routes, string]>([
    ["refused", { [PATH]: refusal(403) }, "github-forbidden"],
    ["credentials refused", { [PATH]: refusal(401) }, "github-unauthorized"],
    ["a server error", { [PATH]: refusal(500) }, "github-unavailable"],
    ["no answer", { [PATH]: "hang-up" }, "github-unavailable"],
    ["a cut answer", { [PATH]: "cut" }, "github-unavailable"],
    ["a date that is none", { [PATH]: ok({ runtime_deprecates_at: "soon" }) }, "github-invalid"],
    ["a date as a number", { [PATH]: ok({ runtime_deprecates_at: 1 }) }, "github-invalid"],
    ["a list", { [PATH]: ok([]) }, "github-invalid"],
  ])("%s", async (_name, routes, code) => {
    const { github } = await startReading(routes);
    const observed = await github.readDeprecation(ACME, "2.329.0");
    expect(observed).toEqual({ kind: "unknown", code, observedAtMs: START_MS });
  });

  it.each(["", "latest", "v2.329.0", "2", "2.329.0.1.2", "2.329.0/../..", "2.329.0?x=1", "2.329.0\n"])(
    "of what is no version nobody is asked: %o",
    async (version) => {
      const { github, asked } = await startReading({});
      const observed = await github.readDeprecation(ACME, version);
      expect(observed).toEqual({ kind: "unknown", code: "github-invalid", observedAtMs: START_MS });
      expect(asked).toEqual([]);
    },
  );
});
