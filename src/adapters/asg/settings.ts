/** What a pool over an Auto Scaling group is told. Plain data without a secret: it is stored. */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GroupMemory } from "./group-memory.ts";

/** `holdfast`: demand raises the group's desired capacity. `external`: somebody else sizes the group, and we leave it alone. */
export const SCALINGS = ["holdfast", "external"] as const;
export type Scaling = (typeof SCALINGS)[number];

export interface AsgSettings {
  readonly region: string;
  /** The group's name. */
  readonly group: string;
  readonly scaling: Scaling;
  /** Of EC2. Null: the region's own. Without a slash at the end. */
  readonly endpoint: string | null;
  /** Of Auto Scaling. Null: the region's own. Without a slash at the end. */
  readonly autoScalingEndpoint: string | null;
  /** What the group's hooks are measured by. */
  readonly longestJobSeconds: number;
}

export interface AsgProviderOptions {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  readonly settings: AsgSettings;
  readonly clock: Clock;
  /** `machines.max`, which the group's own limits are compared with. */
  readonly machineCountMax: number;
  /** It starts, ends and marks nothing. */
  readonly isObserving: boolean;
  /** No pool names the group any more: what carries our marks is still ours, and nobody who comes there. */
  readonly isLeft?: boolean;
  /** Of the group, where other settings of the pool name it as well; one of its own unless given. */
  readonly memory?: GroupMemory;
  /** Groups that other settings of the pool name at the same endpoint: each has a provider of its own. */
  readonly otherGroups?: readonly string[];
  /** Default: those that the SDK finds (variables, profile, the role of the machine that we run on). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}
