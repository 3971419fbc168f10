import { decideEnding, type EndingInput, type EndingStep, owesDeletion } from "../../src/domain/ending.ts";
import { type Machine, moveMachine, type RETIRING_STAGES } from "../../src/domain/machine.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { moveTicket, type Ticket } from "../../src/domain/ticket.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  epoch,
  heard,
  heardFacts,
  machine,
  observed,
  pool,
  retiring,
  START_MS,
  ticketState,
  unheardMachine,
} from "./builders.ts";

export const BOOT_MS = 5 * MINUTE_MS;
export const alice = { operator: "alice", reason: "the rack is on fire" };
/** Retires; its agent has reported since. */
export const answered = machine({ state: retiring(), sequence: 4 });
export const unanswered = machine({ state: retiring({ heardSequence: 4 }), sequence: 4 });
export const unheard = unheardMachine({ state: retiring() });

export function decide(overrides: Partial<EndingInput>, afterMs = BOOT_MS): EndingStep {
  const facts = heardFacts(START_MS + afterMs);
  const calm = { tickets: [], observed: null, forced: null, facts, guard: null, epoch: epoch(), time: heard(afterMs) };
  return decideEnding({ machine: answered, ...calm, ...overrides }, pool());
}

export const at = (row: Machine, stage: (typeof RETIRING_STAGES)[number], heardSequence = 0): Machine => ({
  ...row,
  state: retiring({ stage, heardSequence }),
});
export const waits = (...missing: readonly ReasonCode[]): EndingStep => ({ kind: "wait", missing });
export const stage = (name: (typeof RETIRING_STAGES)[number]): EndingStep => ({ kind: "stage", stage: name });

/** Rows of a retirement, changed by each step as its controller would change them. */
export interface Scene {
  machine: Machine;
  tickets: readonly Ticket[];
  readonly observed?: EndingInput["observed"];
  readonly forced?: EndingInput["forced"];
  readonly facts?: EndingInput["facts"];
  readonly guard?: EndingInput["guard"];
}

/** Carries out every step until the machine is gone, or what it waits for does not come. @returns the steps, in words. */
export function playToTheEnd(scene: Scene): readonly string[] {
  const words: string[] = [];
  let nowMs = START_MS + BOOT_MS;
  let isTerminated = false;
  for (let turn = 0; turn < 20; turn += 1) {
    const seen = isTerminated && scene.machine.state.kind === "retiring" && inConfirming(scene.machine);
    const input = {
      machine: scene.machine,
      tickets: scene.tickets,
      observed: seen ? observed("gone") : (scene.observed ?? null),
      forced: scene.forced ?? null,
      facts: scene.facts ?? heardFacts(nowMs),
      guard: scene.guard ?? null,
      epoch: epoch(),
      time: { ...heard(), nowMs },
    };
    const step = decideEnding(input, pool());
    words.push(inWords(step));
    if (step.kind === "confirm-gone") return words;
    if (step.kind === "terminate") isTerminated = true;
    if (!carryOut(step, scene, nowMs)) return words;
    nowMs += SECOND_MS;
  }
  throw new Error(`no end in sight: ${words.join(", ")}`);
}

function inConfirming(row: Machine): boolean {
  return row.state.kind === "retiring" && row.state.stage === "confirming";
}

function inWords(step: EndingStep): string {
  switch (step.kind) {
    case "void-ticket":
      return `void ${step.ticketId}`;
    case "stage":
      return step.stage;
    case "terminate":
      return `terminate by ${step.proof.kind}`;
    case "wait":
      return `wait: ${step.missing.join(", ")}`;
    case "resume":
      return `resume with ${step.ticketId}`;
    case "confirm-gone":
      return "gone";
  }
}

/** @returns false where only somebody else could go on. */
function carryOut(step: EndingStep, scene: Scene, nowMs: number): boolean {
  switch (step.kind) {
    case "void-ticket":
      scene.tickets = scene.tickets.map((one) =>
        one.id === step.ticketId ? moveTicket(one, ticketState("void", nowMs)) : one,
      );
      return true;
    case "stage":
      scene.machine = moveMachine(scene.machine, { kind: "stage", stage: step.stage }, nowMs);
      return true;
    case "terminate":
      scene.machine = moveMachine(scene.machine, { kind: "stage", stage: "confirming" }, nowMs);
      return true;
    case "wait": {
      if (!step.missing.includes("deregistering")) return false;
      // GitHub has answered the DELETE.
      scene.tickets = scene.tickets.map((one) => (owesDeletion(one, nowMs) ? { ...one, registration: "gone" } : one));
      return true;
    }
    case "resume":
      scene.machine = moveMachine(scene.machine, { kind: "resumed", ticketId: step.ticketId }, nowMs);
      return false;
    case "confirm-gone":
      return false;
  }
}
