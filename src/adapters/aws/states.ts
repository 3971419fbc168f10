/** What an instance's state means here. Instances that are shutting down or terminated are listed: they prove an ending. */
import type { Instance } from "@aws-sdk/client-ec2";
import { type ControllerId, parseProviderId } from "../../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../../domain/observed.ts";
import { readMarks } from "./tags.ts";

/**
 * `shutting-down` is dead: EC2 ends it whatever anybody does, and its volumes may still be there. `terminated` is EC2's
 * word that neither is. What is `stopping` still runs: its system is shutting down, which may take minutes. A state that
 * EC2 has added since counts as running: it is left alone.
 */
const STATES: Readonly<Record<string, ProviderState>> = {
  pending: "starting",
  running: "running",
  stopping: "running",
  stopped: "stopped",
  "shutting-down": "dead",
  terminated: "gone",
};

export function stateOf({ State, StateReason }: Instance): ProviderState {
  const state = STATES[State?.Name ?? ""] ?? "running";
  return state === "stopped" && StateReason?.Code === HIBERNATED ? "running" : state;
}

/** Somebody's doing, never ours. Its memory is kept with the job in it, which goes on once it is started: not dead at all. */
const HIBERNATED = "Client.UserInitiatedHibernate";

/** @returns null for what has no id, which would be no instance. */
export function observeInstance(instance: Instance, observedAtMs: number): ObservedMachine | null {
  const { InstanceId: id } = instance;
  if (id === undefined) return null;
  const { machineId, launchId, pool } = readMarks(instance.Tags);
  return { providerId: parseProviderId(id), machineId, launchId, pool, state: stateOf(instance), observedAtMs };
}

/** An instance that carries another controller's mark is that controller's, whatever our store says. */
export function isAnothers(instance: Instance, controllerId: ControllerId): boolean {
  const owner = readMarks(instance.Tags).controllerId;
  return owner !== null && owner !== controllerId;
}

/** EC2 took it back, on spot. */
export function wasReclaimed({ StateReason }: Instance): boolean {
  return StateReason?.Code === "Server.SpotInstanceTermination" || StateReason?.Code === "Server.SpotInstanceShutdown";
}

/** It was given to us, and then EC2 had no room for it after all. */
export function foundNoRoom({ StateReason }: Instance): boolean {
  return StateReason?.Code === "Server.InsufficientInstanceCapacity";
}
