/**
 * Between the world's groups and whoever makes a provider of one: that is the product's own adapter, which the simulator does
 * not know. It is handed in from outside, with a way for its calls of either service.
 */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Provider, ProviderAbilities } from "../../ports/provider.ts";
import type { AwsAnswer } from "../aws/answer.ts";
import type { AwsResult } from "../aws/faults.ts";

export type GroupService = "ec2" | "autoscaling";

/** One call, by its action's name and its request. Rejects where nothing was heard of it. */
export type CallGroup = (
  service: GroupService,
  action: string,
  request: object,
) => Promise<AwsResult<string, AwsAnswer>>;

export interface GroupAsker {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  /** The group's name. */
  readonly group: string;
  readonly region: string;
  readonly scaling: "holdfast" | "external";
  readonly machineCountMax: number;
  readonly clock: Clock;
  /** How far AWS's clock is ahead of that one. */
  aheadMs(): number;
  readonly call: CallGroup;
}

/** What it makes keeps what it remembers to itself: a new process begins with a new one. */
export type MakeGroupPort = (asker: GroupAsker) => Provider & ProviderAbilities;
