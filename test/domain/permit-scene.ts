import {
  issuePermit,
  type MachinePermit,
  type MachinePermitRequest,
  type MachineProof,
  type PermitDecision,
} from "../../src/domain/permit.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { epoch, heard, machine, observed, retiring, unheardMachine } from "./builders.ts";

export const BOOT_MS = 5 * MINUTE_MS;
export const neverEngaged: MachineProof = { kind: "never-engaged", bootDeadlineMs: BOOT_MS };
export const parked: MachineProof = { kind: "parked" };
export const forced: MachineProof & { readonly kind: "forced" } = {
  kind: "forced",
  operator: "alice",
  reason: "the rack is on fire",
};
export const dead = (fields: Parameters<typeof observed>[1] = {}): MachineProof => ({
  kind: "provider-dead",
  observed: observed("dead", fields),
});

/** Retires since it was heard with sequence 3; its agent has said since, with sequence 4, that it holds none. */
export const retired = machine({ state: retiring({ heardSequence: 3 }), sequence: 4, version: 9 });
export const unheard = unheardMachine({ state: retiring() });

export function ask(overrides: Partial<MachinePermitRequest> = {}): PermitDecision<MachinePermit> {
  const request = { machine: retired, tickets: [], proof: parked, epoch: epoch(4), time: heard(BOOT_MS), ...overrides };
  return issuePermit({ kind: "end-machine", ...request });
}

export type Granted = readonly [name: string, request: Partial<MachinePermitRequest>];
export type Refused = readonly [name: string, request: Partial<MachinePermitRequest>, missing: readonly ReasonCode[]];
