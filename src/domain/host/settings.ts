/**
 * What a provider hands to the agent on a machine: a JSON file whose path is in the agent's environment under
 * `AGENT_SETTINGS_VARIABLE`. It holds no secret: a process machine's identity is a file of its own, an instance's is what
 * its platform says.
 */
import type { ControllerId, MachineId, PoolName, ProviderId } from "../ids.ts";

export const AGENT_SETTINGS_VARIABLE = "HOLDFAST_AGENT_SETTINGS";
/**
 * The mark: every process of a machine inherits this variable with the value `<controllerId>/<machineId>`, whatever its
 * group or parent, and is found by it.
 */
export const MARK_VARIABLE = "HOLDFAST_MACHINE";

/** What the agent goes by, wherever it is. */
export interface HostSettings {
  readonly controllerUrl: string;
  readonly controllerId: ControllerId;
  /** As whom it checks in, and whose mark its processes carry. */
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
  /** The agent's own folder: journal, logs, roots of tickets. Outlives the agent, dies with the machine. */
  readonly directory: string;
  /** Folder on tmpfs for perf files and whatever must not survive a boot. */
  readonly volatileDirectory: string;
  /** The read-only source from which each ticket's root is copied. */
  readonly runnerDirectory: string;
  /** Added to the runner's environment. */
  readonly runnerEnvironment: Readonly<Record<string, string>>;
}

/** Of a process machine. */
export interface AgentSettings extends HostSettings {
  /** File with what the agent proves its identity with. */
  readonly identityFile: string;
}

/** Under which the agent runs on an instance. */
export const AGENT_UNIT = "holdfast-agent.service";

/**
 * Of an EC2 instance: the same for all of a pool, so which instance and which machine it is is not in them. `directory` and
 * `volatileDirectory` hold a folder for each instance that an image was ever used on, and are the agent's alone.
 */
export interface InstanceSettings extends Omit<HostSettings, "machineId" | "providerId"> {
  /** The kind of its pool; `asg`: an Auto Scaling group has the machine. */
  readonly provider: "ec2" | "asg";
  readonly pool: PoolName;
  /** The runner and its jobs run as this user. */
  readonly runnerUser: string;
}

export function markOf(controllerId: ControllerId, machineId: MachineId): string {
  return `${controllerId}/${machineId}`;
}
