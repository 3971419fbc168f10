/** A member of an Auto Scaling group: when it takes tickets, when it gives one back, and what a sleep changes. */
import { describe, expect, it } from "vitest";
import { serviceOf, type ToldService } from "../../../src/domain/host/group-word.ts";
import { isPolling, lookIntervalMs, phaseOf, reportOf } from "../../../src/domain/host/report.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { BOTH, files, idleFiles, LISTENER, NONE, Story, T1, T2 } from "./host-story.ts";

/** A member that never was told anything, with its root ready. */
function untold(): Story {
  const story = Story.member().look(NONE).look(NONE);
  return story.tell({ kind: "cleaned" }).tell({ kind: "root-prepared" }).answer();
}

const told = (story: Story, service: ToldService) => story.tell({ kind: "service-told", service });
const serving = () => told(untold(), "serving");
/** Holds T1, whose listener listens. */
const idle = () => serving().offer(T1).started(T1).look(LISTENER, idleFiles());
const standing = ({ state }: Story) => [phaseOf(state), isPolling(state)];

describe("what the metadata's state means", () => {
  it.each<[string | null, ToldService]>([
    [null, "serving"],
    ["InService", "serving"],
    ["InService\n", "serving"],
    ["Terminated", "ending"],
    ["Warmed:Terminated", "ending"],
    ["Standby", "aside"],
    ["Detached", "aside"],
    ["Warmed:Stopped", "aside"],
    ["Warmed:Running", "aside"],
    ["Warmed:Hibernated", "aside"],
    ["", "aside"],
    ["inservice", "aside"],
    ["Whatever:AWS:Adds", "aside"],
  ])("%j: %s", (target, service) => {
    expect(serviceOf(target)).toBe(service);
  });
});

describe("a member", () => {
  it("asks for no ticket and refuses any before it was told that it is in service", () => {
    expect(standing(untold())).toEqual(["preparing", false]);
    expect(untold().offer(T2).kinds().slice(0, 1)).toEqual(["refused"]);
    expect(standing(serving())).toEqual(["parked", true]);
    expect(serving().offer(T1).kinds()).toContain("start-runner");
  });

  it.each<[string, ToldService, string]>([
    ["is put aside", "aside", "preparing"],
    ["is to end", "ending", "leaving"],
  ])("that %s takes no more, and says so", (_name, service, phase) => {
    const story = told(serving(), service);
    expect(story.kinds()).toEqual(["report"]);
    expect(standing(story)).toEqual([phase, false]);
    expect(story.offer(T2).kinds().slice(0, 1)).toEqual(["refused"]);
  });

  it.each<ToldService>(["aside", "ending"])("gives back a ticket that no job has come with: %s", (service) => {
    expect(told(idle(), service).look(LISTENER, idleFiles()).kinds()).toEqual(["close-fence"]);
  });

  it.each<ToldService>(["aside", "ending"])("leaves a job alone, and its runner unsignalled: %s", (service) => {
    const story = told(idle(), service);
    for (let count = 0; count < 100; count += 1) story.look(BOTH, idleFiles(), MINUTE_MS);
    const kinds = story.allEffects.map(({ kind }) => kind);
    expect(kinds).not.toContain("close-fence");
    expect(kinds).not.toContain("open-fence");
    expect(reportOf(story.state).ticket).toEqual({ id: T1, step: "running" });
  });

  it("starts no runner again while it is out of service", () => {
    const story = told(serving().offer(T1).started(T1).look(LISTENER, files()), "aside");
    story
      .exited(2)
      .look(NONE)
      .look(NONE)
      .look(NONE, files(), 10 * SECOND_MS);
    expect(reportOf(story.state).ended).toEqual([{ id: T1, end: { kind: "barren", reason: "exit code 2" } }]);
  });

  it("that comes back takes tickets again, with its root as it was", () => {
    const story = told(told(serving(), "aside"), "serving");
    expect(standing(story)).toEqual(["parked", true]);
    expect(story.allEffects.filter(({ kind }) => kind === "prepare-root")).toHaveLength(1);
  });

  it("that is put aside before its root is ready makes it ready, and looks no oftener than a parked one", () => {
    const story = told(Story.member().look(NONE).look(NONE), "aside").tell({ kind: "cleaned" });
    expect(story.kinds()).toContain("prepare-root");
    story.tell({ kind: "root-prepared" }).answer();
    expect(lookIntervalMs(story.state)).toBe(lookIntervalMs(serving().state));
  });

  it("stays until its group ends it, and makes no new root", () => {
    const story = told(serving(), "ending");
    for (let count = 0; count < 100; count += 1) story.answer().look(NONE, files(), MINUTE_MS);
    const kinds = story.allEffects.map(({ kind }) => kind);
    expect(kinds).not.toContain("finish");
    expect(kinds.filter((kind) => kind === "prepare-root")).toHaveLength(1);
  });

  it("keeps to the notice of spot, whatever its group says later", () => {
    const story = told(serving().tell({ kind: "wanted-back" }), "serving");
    expect(standing(story)).toEqual(["leaving", false]);
  });

  it("has no dead man's switch, with a ticket or without", () => {
    for (const begin of [untold, serving, idle]) {
      const story = begin().silent(500, MINUTE_MS);
      story.look(story.state.held === null ? NONE : LISTENER, idleFiles(), 10 * 60 * MINUTE_MS);
      const kinds = story.allEffects.map(({ kind }) => kind);
      expect(kinds).not.toContain("power-off");
      expect(kinds).not.toContain("close-fence");
    }
    const alone = Story.parked()
      .silent(31, MINUTE_MS)
      .look(NONE)
      .look(NONE, files(), 31 * MINUTE_MS);
    expect(alone.allEffects.map(({ kind }) => kind)).toContain("power-off");
  });

  it("is told nothing where it is no member", () => {
    expect(standing(told(Story.parked(), "ending"))).toEqual(["parked", true]);
  });
});

describe("a sleep", () => {
  it("makes a member ask again what its group wants, before it takes anything", () => {
    const story = serving().tell({ kind: "poll-sent" }).tell({ kind: "slept" });
    expect(standing(story)).toEqual(["preparing", false]);
    // The answer to a poll of before it.
    expect(story.offer(T2).kinds().slice(0, 1)).toEqual(["refused"]);
    expect(standing(told(story, "serving"))).toEqual(["parked", true]);
  });

  it("gives nothing back by itself", () => {
    const story = idle().tell({ kind: "slept" }).look(LISTENER, idleFiles());
    expect(story.kinds()).not.toContain("close-fence");
  });

  it.each<ToldService>(["aside", "ending"])("leaves one out of service as it is: %s", (service) => {
    const story = told(serving(), service);
    const before = phaseOf(story.state);
    expect(phaseOf(story.tell({ kind: "slept" }).state)).toBe(before);
  });

  it("changes nothing for a machine of no group but that its silence counts anew", () => {
    const story = Story.parked().silent(31, MINUTE_MS).tell({ kind: "slept" });
    story.look(NONE).look(NONE, files(), 31 * MINUTE_MS);
    expect(standing(story)).toEqual(["parked", true]);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("power-off");
  });
});
