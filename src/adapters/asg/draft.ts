/** Decides what a launch of the group is to come to, or that there is no room for it. */
import { ProviderError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { LaunchRequest } from "../../ports/provider.ts";
import { type Owner, TAG } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";
import type { Desired } from "./desired.ts";
import { countedOf, type GroupReading, isAnothersGroup, type Member, readGroup, readReserve } from "./group.ts";
import { isReserve } from "./lifecycle.ts";
import type { OpenLaunches } from "./open-launches.ts";
import { type Order, writeOrder } from "./order.ts";
import type { AsgSettings } from "./settings.ts";
import type { Sights } from "./sights.ts";

export interface DraftContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly owner: Owner;
  readonly launches: OpenLaunches;
  readonly sights: Sights;
  readonly desired: Desired;
  /** `machines.max`. */
  readonly machineCountMax: number;
  readonly nowMs: () => number;
}

/** Soon: the launch before is asked about every few seconds. */
const NEXT_LAUNCH_MS = 5 * SECOND_MS;
/** Who came has a row by then, and the plan counts them. */
const NEWCOMERS_MS = 15 * SECOND_MS;

export async function draftOrder(context: DraftContext, { launchId, machines }: LaunchRequest): Promise<string> {
  const { clients, settings, launches, sights, desired, machineCountMax, nowMs } = context;
  const attempted = `asking group ${settings.group} for ${machines.length} machines`;
  const draftedAtMs = nowMs();
  const other = launches.otherThan(launchId, draftedAtMs);
  if (other !== null)
    throw new ProviderError("provider-capacity", `${attempted}: it is still about launch ${other}`, {
      retryAfterMs: NEXT_LAUNCH_MS,
    });
  const group = await demandGroup(context, attempted);
  const groupRoom = demandRoom(group, settings.group, attempted);
  const count = Math.min(machines.length, groupRoom, demandOwnRoom(group, machineCountMax, attempted));
  const order: Order = {
    draftedAtMs,
    before: [...new Set([...sights.shownInGroup(), ...inGroup(group.members)])],
    count,
    origin: {
      draftedAtForeignMs: nowMs() + clients.aheadMs(),
      reserve: group.hasReserve ? (await readReserve(clients, settings.group)).map(({ id }) => id) : [],
    },
    target: { region: settings.region, group: settings.group, desiredMax: desiredMaxOf(group, desired, count) },
  };
  launches.draft(launchId, order);
  return writeOrder(order);
}

/** A reading so far below what another process may have set is perhaps from before that; and if not, it is no harm. */
function desiredMaxOf(group: GroupReading, desired: Desired, count: number): number {
  const shown = desired.atLeast(Math.max(group.desiredCount, countedOf(group)));
  const othersMax = desired.othersMax();
  const from = shown + count < othersMax ? othersMax : shown;
  return Math.max(from, Math.min(from + count, group.maxCount));
}

/** One reading may leave a member out: what the last listing showed was there as well. */
function inGroup(members: readonly Member[]): readonly string[] {
  return members.filter(({ lifecycle }) => !isReserve(lifecycle)).map(({ id }) => id);
}

async function demandGroup({ clients, settings, owner }: DraftContext, attempted: string): Promise<GroupReading> {
  const group = await readGroup(clients, settings.group);
  if (group === null) {
    const why = `${settings.region} has no group of this name: correct \`provider.group\` or \`provider.region\``;
    throw new ProviderError("provider-invalid", `${attempted}: ${why}`);
  }
  if (isAnothersGroup(group, owner)) {
    const why = `it carries the tag of another controller, ${TAG.controller}=${group.controllerId}: name another group, or remove the tag where that controller is gone`;
    throw new ProviderError("provider-invalid", `${attempted}: ${why}`);
  }
  if (group.countsInstances) return group;
  const why =
    "its capacity counts something else than instances: remove the weights, or set its DesiredCapacityType to `units`";
  throw new ProviderError("provider-invalid", `${attempted}: ${why}`);
}

function demandRoom(group: GroupReading, name: string, attempted: string): number {
  const room = group.maxCount - countedOf(group);
  if (room > 0) return room;
  const mend = `raise it, as in \`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${name} --max-size ${group.maxCount + 1}\``;
  throw new ProviderError("provider-quota", `${attempted}: its maximum of ${group.maxCount} is reached; ${mend}`);
}

/** Whom the group has started by itself a moment ago has no row yet, and counts for the pool's maximum all the same. */
function demandOwnRoom(group: GroupReading, machineCountMax: number, attempted: string): number {
  const room = machineCountMax - countedOf(group);
  if (room > 0) return room;
  const why = `${attempted}: it has ${countedOf(group)} members already, and \`machines.max\` is ${machineCountMax}`;
  throw new ProviderError("provider-capacity", why, { retryAfterMs: NEWCOMERS_MS });
}
