/**
 * What a provider hands to the agent on a machine: a JSON file whose path is in the agent's environment under
 * `AGENT_SETTINGS_VARIABLE`. It holds no secret; the identity is a file of its own.
 */
import type { ControllerId, MachineId, ProviderId } from "../ids.ts";

export const AGENT_SETTINGS_VARIABLE = "HOLDFAST_AGENT_SETTINGS";
/**
 * The mark: every process of a machine inherits this variable with the value `<controllerId>/<machineId>`, whatever its
 * group or parent, and is found by it.
 */
export const MARK_VARIABLE = "HOLDFAST_MACHINE";

export interface AgentSettings {
  readonly controllerUrl: string;
  readonly controllerId: ControllerId;
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
  /** File with what the agent proves its identity with. */
  readonly identityFile: string;
  /** The agent's own folder: journal, logs, roots of tickets. Outlives the agent, dies with the machine. */
  readonly directory: string;
  /** Folder on tmpfs for perf files and whatever must not survive a boot. */
  readonly volatileDirectory: string;
  /** The read-only source from which each ticket's root is copied. */
  readonly runnerDirectory: string;
  /** Added to the runner's environment. */
  readonly runnerEnvironment: Readonly<Record<string, string>>;
}

export function markOf(controllerId: ControllerId, machineId: MachineId): string {
  return `${controllerId}/${machineId}`;
}
