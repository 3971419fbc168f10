/**
 * EC2's ground truth: what instances, launch templates and remembered calls there are, in one region of one account. Plain
 * data, changed only by the functions of this folder, each of which takes the time as an argument. There is no clock, timer
 * or chance of its own here, so that a real HTTP server and a simulator in virtual time drive the very same code.
 */
import type { Ec2Action, Ec2Answer, LaunchTemplateData } from "./api.ts";
import type { Ec2Fault } from "./faults.ts";
import type { Ec2Options, Market } from "./options.ts";

export interface Ec2State {
  /** Replaced as a whole where its habits change. */
  options: Ec2Options;
  /** Every instance that ever was, oldest first: a repeated launch shows them also when nobody else does. */
  readonly instances: Map<string, Instance>;
  /** Those of `instances` that EC2 still knows. */
  readonly known: Map<string, Instance>;
  /** Those of `known` that change by themselves, with the moment of it. */
  readonly due: Map<string, number>;
  readonly volumes: Map<string, Volume>;
  readonly networkInterfaces: Map<string, NetworkInterface>;
  readonly launchTemplates: Map<string, LaunchTemplate>;
  readonly fleets: Map<string, Fleet>;
  /** Calls that took effect, by action and ClientToken. */
  readonly remembered: Map<string, RememberedCall>;
  /** Room by pool (`poolKey`); where a pool is not named there is room without end. */
  readonly room: Map<string, Room>;
  /** vCPUs by quota (`quotaKey`); where a quota is not named there is none. */
  readonly quotas: Map<string, number>;
  /** Calls that the caller has no permission for. */
  readonly denied: Set<Ec2Action>;
  readonly faults: Ec2Fault[];
  readonly buckets: Map<string, Bucket>;
  /** Calls that were made, answered or not, by action. */
  readonly callCounts: Map<Ec2Action, number>;
  /** Instances whose phase changed since the driver last took them, in the order of the changes. */
  readonly changedInstanceIds: Set<string>;
  readonly givenNumbers: Map<string, number>;
}

/** So many more instances fit into a pool: taken by a start, given back by an end or a stop. */
export interface Room {
  free: number;
  /** What a launch is told that finds none. */
  readonly code: RoomCode;
}

export type RoomCode =
  | "InsufficientInstanceCapacity"
  | "UnfulfillableCapacity"
  | "InsufficientReservedInstanceCapacity"
  | "SpotMaxPriceTooLow";

export type InstancePhase =
  | { readonly kind: "pending"; readonly sinceMs: number }
  | { readonly kind: "running"; readonly sinceMs: number }
  | { readonly kind: "stopping"; readonly sinceMs: number }
  | { readonly kind: "stopped"; readonly sinceMs: number }
  | { readonly kind: "shutting-down"; readonly sinceMs: number }
  | { readonly kind: "terminated"; readonly sinceMs: number };

export type PhaseKind = InstancePhase["kind"];

/** As `StateReason`: why it is in the state that it is in. */
export interface StateReason {
  readonly code: string;
  readonly message: string;
}

export interface Instance {
  readonly id: string;
  /** Counts up with every start: the order of listings. */
  readonly number: number;
  readonly reservationId: string;
  readonly launchIndex: number;
  readonly clientToken: string | null;
  readonly settings: InstanceSettings;
  readonly type: string;
  readonly zone: string;
  readonly subnetId: string;
  readonly market: Market;
  readonly hostId: string | null;
  readonly launchedAtMs: number;
  readonly privateIpAddress: string;
  readonly spotRequestId: string | null;
  readonly tags: Map<string, string>;
  /** The volumes and network interfaces that it was started with. */
  readonly belongingIds: string[];
  /** From then on it is found by its id. */
  foundFromMs: number;
  /** From then on listings show it. */
  listedFromMs: number;
  phase: InstancePhase;
  /** What listings show in place of `phase` until that moment. */
  lagging: { readonly phase: InstancePhase; readonly untilMs: number } | null;
  stateReason: StateReason | null;
  transitionReason: string;
  /** It never gets out of `pending`. */
  isDoomed: boolean;
  interruption: { readonly action: "terminate" | "stop" | "hibernate"; readonly atMs: number } | null;
  rebalanceAtMs: number | null;
  isTerminationProtected: boolean;
  isStopProtected: boolean;
  /** So many more calls to end it say what they always say and change nothing. */
  ignoredEndingCount: number;
  /** Readings of everything lack it, or readings of any kind do. */
  hiddenFrom: "nobody" | "listings" | "everybody";
  consoleOutput: string;
  statusChecksPassAtMs: number;
  /** Where its Auto Scaling group wants it; null: it has never been in one. */
  targetLifecycleState: string | null;
  /** It takes a place of its pool. */
  holdsRoom: boolean;
}

/** What an instance was started with, template and call joined. */
export interface InstanceSettings {
  readonly imageId: string;
  readonly securityGroupIds: readonly string[];
  /** Base64, as it was given. */
  readonly userData: string;
  readonly shutdownBehavior: "stop" | "terminate";
  readonly isTokenRequired: boolean;
  readonly hasTagsInMetadata: boolean;
  readonly hopLimit: number;
  readonly keyName: string | null;
  readonly profile: string | null;
  readonly interruptionBehavior: "terminate" | "stop" | "hibernate";
  readonly isOneTime: boolean;
}

export interface Volume {
  readonly id: string;
  readonly zone: string;
  readonly sizeGib: number;
  readonly deviceName: string;
  readonly endsWithInstance: boolean;
  readonly tags: Map<string, string>;
  readonly createdAtMs: number;
  /** Null once its instance is terminated. */
  attachedTo: string | null;
}

export interface NetworkInterface {
  readonly id: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly securityGroupIds: readonly string[];
  readonly privateIpAddress: string;
  readonly endsWithInstance: boolean;
  readonly tags: Map<string, string>;
  attachedTo: string | null;
}

export interface LaunchTemplate {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly tags: Map<string, string>;
  readonly versions: Map<number, LaunchTemplateVersion>;
  readonly foundFromMs: number;
  defaultVersion: number;
  latestVersion: number;
}

export interface LaunchTemplateVersion {
  readonly number: number;
  readonly description: string | null;
  readonly createdAtMs: number;
  readonly data: LaunchTemplateData;
  readonly foundFromMs: number;
}

export interface Fleet {
  readonly id: string;
  readonly createdAtMs: number;
  readonly instanceIds: readonly string[];
  readonly tags: Map<string, string>;
}

export interface RememberedCall {
  /** The whole request, to tell a repetition from a change. */
  readonly text: string;
  readonly instanceIds: readonly string[];
  readonly madeAtMs: number;
  /** Answers a repetition. */
  readonly answer: (nowMs: number) => Ec2Answer;
}

export interface Bucket {
  tokens: number;
  atMs: number;
}

/** Where room is: one type in one zone in one market. */
export function poolKey(type: string, zone: string, market: Market): string {
  return `${type}/${zone}/${market}`;
}
