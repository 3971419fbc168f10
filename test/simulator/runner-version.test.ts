import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/domain/units.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { listening, useRunners } from "./runner-house.ts";
import { eventually } from "./runner-process.ts";

const house = useRunners();
const ENDED = "is deprecated and cannot receive messages.";

/** A GitHub that takes no runner of this version any more. */
function replaceGitHub(version: string, endsAt: string): Promise<void> {
  return house.replaceGitHub({ github: { deprecations: { [version]: { runtime_deprecates_at: endsAt } } } });
}

describe("the runner's version", () => {
  it.each([
    [undefined, "2.336.0"],
    [{ version: "2.340.1" }, "2.340.1"],
  ])("is told without a trace: %j", (settings, version) => {
    const root = house.yard.folder();
    createRunnerFolder(root, settings);
    const before = readdirSync(root);
    const said = execFileSync(join(root, "bin", "Runner.Listener"), ["--version"], { encoding: "utf8" });
    expect(said).toBe(`${version}\n`);
    expect(readdirSync(root)).toEqual(before);
  });

  it("is told to GitHub by the session", async () => {
    const runner = await house.yard.start(house.github, { settings: { version: "2.340.1" } });
    await listening(runner);
    expect(house.github.runners()).toMatchObject([{ version: "2.340.1" }]);
  });

  it.each([
    [{}, 1],
    [{ ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1" }, 7],
  ])("past its end: no session, and with %j exit code %i", async (environment, code) => {
    await replaceGitHub("2.336.0", "2020-01-01T00:00:00Z");
    house.queue(["true"]);
    const runner = await house.yard.start(house.github, { environment });
    expect(await runner.exited).toEqual({ code, signal: null });
    expect(runner.log()).toContain(`Runner version v2.336.0 ${ENDED}`);
    expect(house.github.jobs()).toMatchObject([{ phase: "queued" }]);
  });

  it("that ends while the listener polls ends the listener", async () => {
    // GitHub's clock stands a moment before the end, which comes while the runner listens.
    const endsAtMs = Date.UTC(2030, 0, 1);
    await house.replaceGitHub({
      clockOffsetMs: endsAtMs - Date.now() - DAY_MS,
      github: { deprecations: { "2.336.0": { runtime_deprecates_at: new Date(endsAtMs).toISOString() } } },
    });
    const runner = await house.yard.start(house.github);
    await listening(runner);
    house.github.advanceClock(DAY_MS + 1);
    await eventually("the refusal", () => runner.log().includes(ENDED));
    expect(await runner.exited).toEqual({ code: 1, signal: null });
  });
});
