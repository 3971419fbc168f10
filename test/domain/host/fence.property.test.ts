import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stepHost } from "../../../src/domain/host/step.ts";
import { always, canFail } from "../property.ts";
import { ACTS, type Act, FenceWorld, type Flaw, type Step } from "./fence-world.ts";
import { cleanLook } from "./host-story.ts";

/** What leads on, more often than what cuts off. */
const WEIGHTS: { readonly [act in Act]: number } = {
  agent: 12,
  look: 6,
  report: 3,
  order: 2,
  listener: 4,
  dispatch: 0.5,
  worker: 1,
  watchdog: 0.3,
  "watchdog-dies": 0.3,
  "agent-dies": 0.8,
  "agent-starts": 1,
  "listener-dies": 0,
  "asked-to-stop": 0,
};
const anyAct = fc.oneof(...ACTS.map((act) => ({ weight: WEIGHTS[act] * 10 || 1, arbitrary: fc.constant<Act>(act) })));
const anyStory = fc.array(anyAct, { maxLength: 120, size: "max" });

function violationsOf(acts: readonly Act[], step: Step = stepHost, flaw: Flaw = {}, isKnown = true): readonly string[] {
  return new FenceWorld(step, flaw, isKnown).play(acts).settle().violations;
}

const takingAnyLookForClean: Step = (state, input) =>
  stepHost(state, input.kind === "fence-closed" ? { ...input, look: cleanLook() } : input);

const withoutLifting: Step = (state, input) => {
  const { effects, ...rest } = stepHost(state, input);
  return { ...rest, effects: effects.filter(({ kind }) => kind !== "lift-fence") };
};

const withoutAnswers: Step = (state, input) => {
  const { state: next, effects } = stepHost(state, input);
  const { held } = next;
  return {
    state: held === null ? next : { ...next, held: { ...held, fence: { ...held.fence, refusal: null } } },
    effects,
  };
};

describe("a fence, whatever happens in between", () => {
  it("kills no listener that may have a job, leaves none stopped, and answers every order", () => {
    always(
      fc.property(anyStory, (acts) => {
        expect(violationsOf(acts)).toEqual([]);
      }),
      6_000,
    );
  });

  it("does so too where the journal does not name the listener, and still hands back", () => {
    always(
      fc.property(anyStory, (acts) => {
        expect(violationsOf(acts, stepHost, {}, false)).toEqual([]);
      }),
      2_000,
    );
    const worlds = fc.sample(anyStory, { numRuns: 300, seed: 1 }).map((acts) => {
      return new FenceWorld(stepHost, {}, false).play(acts).settle();
    });
    expect(worlds.filter(({ isHandedBack }) => isHandedBack).length).toBeGreaterThan(30);
  });

  it("stories get as far as kills, refusals after a stop, and takeovers", () => {
    const worlds = fc
      .sample(anyStory, { numRuns: 1_000, seed: 1 })
      .map((acts) => new FenceWorld(stepHost).play(acts).settle());
    const kindsOf = (world: FenceWorld) => world.journal.map(({ kind }) => kind);
    expect(worlds.filter(({ killCount }) => killCount > 0).length).toBeGreaterThan(100);
    expect(worlds.filter(({ isHandedBack }) => isHandedBack).length).toBeGreaterThan(100);
    expect(worlds.filter((world) => kindsOf(world).includes("fencing") && !world.isHandedBack).length).toBeGreaterThan(
      10,
    );
    expect(worlds.filter(({ job }) => job === "done").length).toBeGreaterThan(100);
  });

  it.each<[string, Step, Flaw]>([
    ["that takes any look for clean", takingAnyLookForClean, {}],
    ["that never lifts another's fence", withoutLifting, {}],
    ["that does not answer", withoutAnswers, {}],
    ["whose hand ignores the claim", stepHost, { ignoresClaim: true }],
  ])("a host %s is found", (_name, step, flaw) => {
    const property = fc.property(anyStory, (acts) => violationsOf(acts, step, flaw).length === 0);
    expect(canFail(property, 8_000)).toBe(true);
  });
});
