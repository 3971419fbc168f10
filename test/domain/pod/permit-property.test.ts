/**
 * No sequence of pod shapes ends an engaged pod by itself. A pod whose ticket is out has been bound to a node, which is
 * never undone; everything else of its shape may be anything, in any order, but the two that are proofs.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import { issuePermit, type MachineProof } from "../../../src/domain/permit.ts";
import { judgeAbsence } from "../../../src/domain/pod/absence.ts";
import { judgePod } from "../../../src/domain/pod/judge.ts";
import type { ContainerShape, PodShape } from "../../../src/domain/pod/shape.ts";
import { NO_HOST_FACTS, OVERDUE_LIMITS } from "../../../src/domain/slow-proofs.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { epoch, heard, machine, observed, pool, retiring, ticket } from "../builders.ts";
import { always, canFail } from "../property.ts";
import { terminated } from "./shapes.ts";

const text = fc.option(fc.constantFrom("Evicted", "NodeLost", "OOMKilled", "ImagePullBackOff", ""), { nil: null });
const alive: fc.Arbitrary<ContainerShape> = fc.oneof(
  fc.record({
    kind: fc.constant("waiting" as const),
    reason: text,
    message: text,
    hasRunBefore: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("running" as const), hasRunBefore: fc.boolean() }),
  fc.constant({ kind: "unrecognised" } as const),
);
const anyContainer = fc.oneof(
  alive,
  fc.integer({ min: 0, max: 255 }).map((code) => terminated(code)),
);

const aliveShape: fc.Arbitrary<PodShape> = fc.record({
  phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed", "Unknown", null, "Hibernated"),
  reason: text,
  isScheduled: fc.constant(true),
  schedulingTrouble: text,
  node: fc.constantFrom("ready", "not-ready", "absent", "unread"),
  initContainers: fc.array(anyContainer, { maxLength: 2 }),
  agent: fc.option(alive, { nil: null }),
  deletion: fc.constantFrom("none", "within-grace", "overdue"),
  finalizers: fc.array(fc.constant("acme.com/vm"), { maxLength: 1 }),
  disruption: text,
});

interface Sight {
  readonly shape: PodShape;
  /** Looked for and not found, after this shape was seen. */
  readonly isAbsentAfter: boolean;
  readonly isFinal: boolean;
}

const sights = fc.array(fc.record({ shape: aliveShape, isAbsentAfter: fc.boolean(), isFinal: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
});

const { deadlines } = pool();
const facts = NO_HOST_FACTS;

function proofsFrom(sight: ObservedMachine): readonly MachineProof[] {
  return [
    { kind: "provider-dead", observed: sight },
    { kind: "parked", observed: sight },
    { kind: "never-engaged", bootDeadlineMs: deadlines.bootMs },
    { kind: "host-lost", facts, deadlines },
    { kind: "job-terminal", facts, deadlines },
    ...OVERDUE_LIMITS.map((limit): MachineProof => ({ kind: "overdue", limit, facts, deadlines })),
  ];
}

const ENGAGED = machine({ state: retiring(), ticketsGiven: 1, isAgentSeen: true });
const OUT = ticket({ state: "delivered" });

function isEverPermitted(sequence: readonly Sight[], judge: typeof judgePod): boolean {
  return sequence.some(({ shape, isAbsentAfter, isFinal }, index) => {
    const states = [judge(shape).state, ...(isAbsentAfter ? [judgeAbsence({ shape, isFinal })] : [])];
    return states.some((state) =>
      proofsFrom(observed(state)).some(
        (proof) =>
          issuePermit({
            kind: "end-machine",
            machine: ENGAGED,
            tickets: [OUT],
            proof,
            epoch: epoch(),
            // Long past every deadline but the last of all, at which it ends as forced.
            time: heard(60 * MINUTE_MS + index * 20 * MINUTE_MS),
          }).kind === "permitted",
      ),
    );
  });
}

it("no sequence of shapes without a proof permits an engaged pod's end", () => {
  always(fc.property(sights, (sequence) => !isEverPermitted(sequence, judgePod)));
});

it("a judgement that takes a phase for the container's end breaks it", () => {
  const byPhase: typeof judgePod = (shape) =>
    shape.phase === "Failed" ? { ...judgePod(shape), state: "dead" } : judgePod(shape);
  expect(canFail(fc.property(sights, (sequence) => !isEverPermitted(sequence, byPhase)))).toBe(true);
});
