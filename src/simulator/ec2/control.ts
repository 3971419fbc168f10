/** What the world does to EC2 beside calling it: how much room there is, what hosts and people do, what readings hide. */
import type { Ec2Lags, Market } from "./options.ts";
import { quotaKey } from "./room.ts";
import { type Ec2State, type Instance, poolKey, type RoomCode } from "./state.ts";

export interface Pool {
  readonly type: string;
  readonly zone: string;
  readonly market: Market;
}

/** From now on so many more instances fit into the pool; null: any number. */
export function setRoom(
  { room }: Ec2State,
  { type, zone, market }: Pool,
  free: number | null,
  code: RoomCode = "InsufficientInstanceCapacity",
): void {
  if (free === null) room.delete(poolKey(type, zone, market));
  else room.set(poolKey(type, zone, market), { free, code });
}

/** vCPUs of the type's whole family in that market; null: no quota. */
export function setQuota({ quotas }: Ec2State, type: string, market: Market, vcpuCount: number | null): void {
  if (vcpuCount === null) quotas.delete(quotaKey(type, market));
  else quotas.set(quotaKey(type, market), vcpuCount);
}

export type InstanceChange = Partial<
  Pick<
    Instance,
    | "consoleOutput"
    | "hiddenFrom"
    | "ignoredEndingCount"
    | "isTerminationProtected"
    | "isStopProtected"
    | "rebalanceAtMs"
    | "targetLifecycleState"
  >
>;

/** @throws {Error} for an instance that EC2 does not know. */
export function changeInstance({ known }: Ec2State, instanceId: string, change: InstanceChange): void {
  const instance = known.get(instanceId);
  if (instance === undefined) throw new Error(`changing instance ${instanceId}, which EC2 does not know`);
  Object.assign(instance, change);
}

const NO_LAGS: Ec2Lags = { freshIdMs: [0, 0], listingMs: [0, 0], stateMs: [0, 0], launchTemplateMs: [0, 0] };

/** From now on nothing lags, fails or is short, and what lagged is seen. */
export function calmDown(state: Ec2State, nowMs: number): void {
  state.options = { ...state.options, lags: NO_LAGS, ignoredEndingShare: 0, failedPendingShare: 0 };
  state.faults.splice(0);
  state.room.clear();
  state.quotas.clear();
  for (const instance of state.known.values()) {
    instance.foundFromMs = Math.min(instance.foundFromMs, nowMs);
    instance.listedFromMs = Math.min(instance.listedFromMs, nowMs);
    Object.assign(instance, { lagging: null, hiddenFrom: "nobody", ignoredEndingCount: 0 } satisfies Partial<Instance>);
  }
}
