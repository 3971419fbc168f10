/** A pool whose settings changed, walked through random days: jobs come and go, machines boot, fail to boot, and end. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DemandPlan, FreeMachine } from "../../src/domain/demand.ts";
import { type Machine, moveMachine } from "../../src/domain/machine.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import {
  decideMarks,
  decideRollout,
  freshFirst,
  isRolloutReason,
  replacementReason,
  rolloutLimit,
} from "../../src/domain/rollout.ts";
import { decideScale, launchRoom } from "../../src/domain/scale.ts";
import { machine, machineId, pool, START_MS, ticketId } from "./builders.ts";
import { always } from "./property.ts";

const OLD = "settings-0";
const CALM = { isListed: true, isPaused: false, isShuttingDown: false, isRunnerEnded: false };

/** What the world does between two passes; each takes the machine of this place in the list that it fits, if there is one. */
type Happening = "job-comes" | "job-ends" | "boots" | "never-boots" | "ends";
const happening = fc.record({
  kind: fc.constantFrom<Happening>("job-comes", "job-ends", "boots", "boots", "boots", "never-boots", "ends", "ends"),
  place: fc.nat(20),
});
const days = fc.record({
  max: fc.integer({ min: 1, max: 25 }),
  warm: fc.nat(25),
  oldCount: fc.nat(25),
  jobsPerMachine: fc.integer({ min: 1, max: 3 }),
  passes: fc.array(fc.array(happening, { maxLength: 4 }), { maxLength: 40 }),
});
type Days = typeof days extends fc.Arbitrary<infer Value> ? Value : never;

class Walk {
  machines: Machine[];
  readonly pool: PoolPolicy;
  #count: number;
  #nowMs = START_MS;

  constructor({ max, warm, oldCount, jobsPerMachine }: Days) {
    this.pool = pool({ machineCountMax: max, warmParkedCount: Math.min(warm, max), jobsPerMachine });
    this.#count = Math.min(oldCount, max);
    this.machines = Array.from({ length: this.#count }, (_, index) =>
      machine({ id: machineId(index), createdAtMs: START_MS + index, settingsHash: OLD }),
    );
  }

  isStale = (one: Machine): boolean => replacementReason(one, this.pool, this.#nowMs) !== null;
  of = (...kinds: readonly string[]): Machine[] => this.machines.filter(({ state }) => kinds.includes(state.kind));
  leaving = (): Machine[] =>
    this.machines.filter(({ state }) => state.kind === "retiring" && isRolloutReason(state.reason));

  happen(kind: Happening, place: number): void {
    this.#nowMs += 1;
    const from = { "job-comes": "parked", "job-ends": "engaged", boots: "provisioning", "never-boots": "provisioning" };
    const fitting = this.of(kind === "ends" ? "retiring" : from[kind]);
    const subject =
      kind === "job-comes" ? freshFirst(fitting, this.pool, this.#nowMs)[0] : fitting[place % fitting.length];
    if (subject === undefined || (kind === "job-comes" && subject.retireWhenSpent !== null)) return;
    if (kind === "ends") this.machines = this.machines.filter((one) => one !== subject);
    else if (kind === "job-comes") this.#move(subject, { kind: "engaged", ticketId: ticketId() });
    else if (kind === "never-boots") this.#move(subject, { kind: "retired", reason: "boot-deadline" });
    else this.#move(subject, { kind: "parked" });
  }

  /** One pass of assigning and one of retiring, as the controllers do them. @returns what was decided. */
  pass() {
    const spare = this.of("parked", "provisioning", "planned")
      .filter((one) => one.retireWhenSpent === null && one.ticketsGiven < this.pool.jobsPerMachine)
      .map(({ id, state }) => ({ id, state: state.kind }) as FreeMachine);
    const demand: DemandPlan = { decisions: [], spare, unneeded: [], standing: { registeredCount: 0, readyCount: 0 } };
    const room = launchRoom(this.pool, { ...CALM, machineCount: this.machines.length });
    const scale = decideScale(demand, room, this.pool);
    const warmCount = this.pool.warmParkedCount;
    const machines = this.of("parked", "provisioning", "planned", "retiring");
    const machineCount = this.machines.length;
    const before = { spare, room, parkedCount: spare.filter(({ state }) => state === "parked").length };
    const plan = decideRollout({ spare, machines, machineCount, warmCount, room, scale }, this.pool, this.#nowMs);
    for (const id of plan.replaced) this.#move(this.#byId(id), { kind: "retired", reason: "outdated" });
    for (const marked of decideMarks(this.machines, this.pool, this.#nowMs)) this.#put(marked);
    for (let count = 0; count < plan.launchCount; count += 1) this.#launch();
    return { plan, scale, ...before };
  }

  #launch(): void {
    const id = machineId(this.#count);
    this.#count += 1;
    this.machines.push(machine({ id, state: "provisioning", createdAtMs: this.#nowMs }));
  }

  #byId(id: Machine["id"]): Machine {
    const found = this.machines.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no machine ${id}`);
    return found;
  }

  #move(subject: Machine, event: Parameters<typeof moveMachine>[1]): void {
    this.#put(moveMachine(subject, event, this.#nowMs));
  }

  #put(after: Machine): void {
    this.machines = this.machines.map((one) => (one.id === after.id ? after : one));
  }
}

function walk(given: Days, look: (walk: Walk, decided: ReturnType<Walk["pass"]>) => void): Walk {
  const one = new Walk(given);
  for (const happenings of given.passes) {
    for (const { kind, place } of happenings) one.happen(kind, place);
    look(one, one.pass());
  }
  return one;
}

describe("a rollout", () => {
  it("never has more than a fifth of the pool, or one, on the way out, and never goes over machines.max", () => {
    always(
      fc.property(days, (given) => {
        const limits: number[] = [];
        walk(given, ({ machines, pool: { machineCountMax }, leaving }, { plan, scale }) => {
          const isGrowing = plan.replaced.length > 0;
          limits.push(rolloutLimit(machines.length - plan.launchCount));
          if (isGrowing) expect(leaving().length).toBeLessThanOrEqual(limits.at(-1) ?? 0);
          if (plan.launchCount > 0) expect(machines.length).toBeLessThanOrEqual(machineCountMax);
          expect(plan.launchCount).toBeGreaterThanOrEqual(scale.launchCount);
        });
      }),
      2_000,
    );
  });

  it("never takes the parked machines below the warm count while there is room for a replacement", () => {
    always(
      fc.property(days, (given) => {
        walk(given, ({ pool: { warmParkedCount } }, { plan, room, parkedCount }) => {
          const left = parkedCount - plan.replaced.length;
          if (plan.replaced.length > 0 && room.count > 0) expect(left).toBeGreaterThanOrEqual(warmParkedCount);
          if (room.count === 0 && left < warmParkedCount) expect(plan.replaced.length).toBeLessThanOrEqual(1);
        });
      }),
      2_000,
    );
  });

  it("touches nothing that is at work, and nothing that is as it should be", () => {
    always(
      fc.property(days, (given) => {
        walk(given, (one) => {
          for (const left of one.leaving()) expect(one.isStale(left)).toBe(true);
          for (const marked of one.machines.filter((any) => isRolloutReason(any.retireWhenSpent)))
            expect(one.isStale(marked)).toBe(true);
        });
      }),
      2_000,
    );
  });

  it("comes to its end: where machines boot and end, no parked one of the old settings is left, and the warm ones are there", () => {
    always(
      fc.property(days, (given) => {
        const one = walk(given, () => undefined);
        for (let round = 0; round < 300; round += 1) {
          const { plan } = one.pass();
          // What the surplus and the used-up rules would end.
          one.machines = one.machines.filter(({ id, state, retireWhenSpent, ticketsGiven }) => {
            const isFree = retireWhenSpent === null && ticketsGiven < one.pool.jobsPerMachine;
            return state.kind !== "parked" || (isFree && !plan.surplus.includes(id));
          });
          for (const kind of ["job-ends", "boots", "ends"] as const)
            for (let count = 0; count < 25; count += 1) one.happen(kind, 0);
        }
        const parked = one.of("parked");
        const isWarm = one.pool.warmParkedCount > 0;
        if (isWarm)
          expect(parked.filter((any) => !one.isStale(any)).length).toBeGreaterThanOrEqual(one.pool.warmParkedCount);
        if (isWarm) expect(parked.filter(one.isStale)).toEqual([]);
      }),
      60,
    );
  });
});
