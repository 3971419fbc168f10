/**
 * Whatever goes wrong with any call, in whatever order, and wherever the process ends: a launch starts what it was asked
 * for once, and nobody counts for two.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import type { DraftedLaunch, LaunchedMachine, LaunchRequest, LaunchTenure } from "../../../src/ports/provider.ts";
import { START_MS } from "../../domain/builders.ts";
import { ec2Error, type Sent } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { type FakeGroup, idOf, PLAIN, stage } from "./stage.ts";

const RUNS = 300;
const ATTEMPTS_MAX = 40;

/** What becomes of one call: `late` is done and answered with what was there before. */
const FAULTS = ["none", "refused", "lost", "crash-before", "crash-after", "late"] as const;
type Fault = (typeof FAULTS)[number];

/** Launches what it lacks, and one more at each look. */
function grow(group: FakeGroup): void {
  const wanted = group.size?.desired ?? 0;
  if (group.members.size < wanted) group.add(group.members.size + 1, { lifecycle: "Pending", launchedAtMs: START_MS });
}

/** A world in which each call meets the next fault; those that are spent go well. */
class Trouble {
  readonly group: FakeGroup;
  provider: AsgProvider;
  lowest = 0;
  readonly #faults: Fault[];
  readonly #restarted: () => AsgProvider;
  readonly #others: DraftedLaunch[] = [];
  #epoch = 1;
  #before: unknown = null;

  constructor(faults: readonly Fault[], startCount: number) {
    const made = stage({}, { machineCountMax: 50 });
    this.group = made.group;
    this.provider = made.provider;
    this.#restarted = made.restarted;
    this.#faults = [...faults];
    this.group.size = { min: 0, max: 50, desired: startCount };
    for (let number = 1; number <= startCount; number += 1) this.group.add(number);
    for (const call of ["DescribeAutoScalingGroups", "SetDesiredCapacity", "DescribeScalingActivities"])
      this.group.answers[call] = (input, count) => this.#answer(call, input, count);
  }

  #answer(call: string, input: Sent["input"], count: number): unknown {
    const fault = this.#faults.shift() ?? "none";
    if (fault === "refused") throw ec2Error("Throttling", "Rate exceeded");
    if (fault === "crash-before") this.#crash();
    const desired = this.group.size?.desired ?? 0;
    const answer = structuredClone(PLAIN[call]?.(this.group)(input, count));
    if (call === "SetDesiredCapacity") this.lowest = Math.min(this.lowest, (this.group.size?.desired ?? 0) - desired);
    grow(this.group);
    if (fault === "crash-after") this.#crash();
    if (fault === "lost") throw ec2Error("TimeoutError", "no answer", 500);
    if (call !== "DescribeAutoScalingGroups") return answer;
    const shown = fault === "late" && this.#before !== null ? this.#before : answer;
    this.#before = answer;
    return shown;
  }

  #crash(): never {
    this.provider = this.#restarted();
    this.#epoch += 1;
    // What is old is old for those who remember something newer.
    this.#before = null;
    throw ec2Error("TimeoutError", "the process ended", 500);
  }

  /** As the controllers do it: drafted until that is stored, and repeated as it is until it is answered. */
  async launch(request: LaunchRequest): Promise<readonly LaunchedMachine[]> {
    let drafted: LaunchRequest = request;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1)
      try {
        if (drafted.order === undefined) drafted = { ...drafted, order: await this.#draft(request) };
        const launched = await this.provider.launch(drafted, this.#tenure());
        this.#others.push({ launchId: request.launchId, order: drafted.order ?? "" });
        return launched;
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^provider-(?:unavailable|capacity)$/) });
      }
    throw new Error("the launch was never answered");
  }

  #draft(request: LaunchRequest): Promise<string | null> {
    if (this.provider.orders === null) throw new Error("it is we who size this group");
    return this.provider.orders.draft(request, this.#tenure());
  }

  #tenure(): LaunchTenure {
    return { epoch: this.#epoch, others: this.#others, leftMs: () => MINUTE_MS };
  }
}

it("starts what each launch asks for, once, and binds nobody twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...FAULTS), { maxLength: 24 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 3 }),
      async (faults, counts, startCount) => {
        const trouble = new Trouble(faults, startCount);
        const bound: string[] = [];
        for (const count of counts) {
          const launched = await trouble.launch(newLaunch(count));
          expect(launched).toHaveLength(count);
          bound.push(...launched.map(({ providerId }) => providerId));
        }
        const wanted = counts.reduce((sum, count) => sum + count, startCount);
        expect(new Set(bound).size).toBe(bound.length);
        expect(
          bound.some((id) => Array.from({ length: startCount }, (_, index) => idOf(index + 1) as string).includes(id)),
        ).toBe(false);
        expect(trouble.group.size?.desired).toBe(wanted);
        expect(trouble.group.members.size).toBe(wanted);
        expect(trouble.lowest).toBe(0);
      },
    ),
    { numRuns: RUNS, seed: 9 },
  );
});
