/**
 * Machines that are the members of one Auto Scaling group, which others may size, refresh, rebalance and heal as well.
 * Every call is the controller's: an instance needs no AWS permission at all.
 *
 * Members are ended one by one, under a permit (`leave.ts`); the group waits for those that it ends itself as long as we
 * hold them (`hold.ts`). The health of a member is never set, its protection never taken off (`protect.ts`), and the
 * desired capacity never lowered but by a member's end.
 */
import type { ProviderId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { MachinePermit } from "../../domain/permit.ts";
import type { Group, LaunchOrders, LaunchTenure, Provider, ProviderAbilities } from "../../ports/provider.ts";
import { Batch } from "../aws/batch.ts";
import { createConsoles } from "../aws/consoles.ts";
import type { Owner } from "../aws/tags.ts";
import { checkGroup } from "./check.ts";
import { type AsgClients, createClients } from "./clients.ts";
import { draftOrder } from "./draft.ts";
import { Ended } from "./ended.ts";
import { MEMBERS_AT_ONCE_MAX } from "./group.ts";
import { GroupMemory } from "./group-memory.ts";
import { holdMember, listHeldUp } from "./hold.ts";
import { createVersionReader } from "./image.ts";
import { Hooks } from "./known-hooks.ts";
import { carryOut, type LaunchContext } from "./launch.ts";
import { endMembers } from "./leave.ts";
import { describeOwed } from "./left.ts";
import { listMachines, readByIds } from "./list.ts";
import { Newcomers } from "./newcomers.ts";
import { readOrder } from "./order.ts";
import { Pace } from "./pace.ts";
import { Protection } from "./protect.ts";
import { RowMarks } from "./row-marks.ts";
import type { AsgProviderOptions, AsgSettings } from "./settings.ts";
import { Sights } from "./sights.ts";
import { Waits } from "./waits.ts";

export { isInstanceId } from "../aws/instance-id.ts";
export type { AsgClients } from "./clients.ts";
export { GroupMemory } from "./group-memory.ts";
export type { AsgProviderOptions } from "./settings.ts";

/** Of a process that nobody else can take the pool from. */
const ALONE: LaunchTenure = { epoch: 0, others: [], leftMs: () => Number.POSITIVE_INFINITY };
/** Ids of one batch of readings. */
const READS_AT_ONCE_MAX = 500;

export type AsgProvider = Provider & ProviderAbilities;

/** @param clients those that the pool's credentials make, unless given. */
export function createAsgProvider(
  options: AsgProviderOptions,
  clients: AsgClients = createClients(options),
): AsgProvider {
  const { settings, clock, controllerId, pool, isObserving, isLeft = false, otherGroups = [] } = options;
  const { memory = new GroupMemory(clock) } = options;
  const sights = new Sights();
  const shared = {
    clients,
    settings,
    clock,
    sights,
    launches: memory.launches,
    desired: memory.desired,
    owner: { controllerId, pool },
    otherGroups: new Set(otherGroups),
    refused: new Set<ProviderId>(),
    hooks: new Hooks(clients, settings.group, clock),
    pace: new Pace(clock),
  };
  const rowMarks = new RowMarks({ ...shared, isObserving });
  const protection = new Protection({ clients, group: settings.group, clock });
  const listing = {
    ...shared,
    isObserving,
    isLeft,
    newcomers: new Newcomers(),
    rowMarks,
    ended: new Ended(),
    protection,
  };
  const holding = { ...shared, isLeft, waits: new Waits(shared) };
  const terminations = new Batch<MachinePermit, void>({
    clock,
    countMax: MEMBERS_AT_ONCE_MAX,
    work: (permits) => endMembers(shared, permits),
  });
  const reads = new Batch<ProviderId, ObservedMachine>({
    clock,
    countMax: READS_AT_ONCE_MAX,
    work: (ids) => readByIds(listing, ids),
  });
  const launches = createLaunches(shared, options, memory);
  const isOurs = settings.scaling === "holdfast";
  const group: Group = {
    listHeldUp: () => listHeldUp(holding),
    hold: (providerId, last = null) => holdMember(holding, providerId, last),
    readHookEdition: () => shared.hooks.edition(),
    noteRows: (ids) => rowMarks.write(ids),
    readMinimumCount: () => minimumOf(sights, shared.owner, isOurs),
  };
  return {
    // Written while we sized the group: it is asked for nothing any more, and who comes is a newcomer.
    launch: isOurs ? launches.launch : async () => [],
    list: async (which) => {
      if (which === "all" && !isObserving) shared.hooks.keepKnown();
      return listMachines(listing, reads, which);
    },
    terminate: (permit) => terminations.add(permit),
    readRunnerVersion: createVersionReader(clients, settings.group, clock),
    check: () => checkGroup({ clients, options }),
    orders: isOurs ? launches.orders : null,
    standby: null,
    consoles: createConsoles(clients.ec2),
    hints: null,
    group,
  };
}

/** Of another controller's group its own members make it up. */
function minimumOf(sights: Sights, owner: Owner, isSizedByUs: boolean): number {
  const group = sights.group();
  if (group === null || sights.isAnothers(owner)) return 0;
  return isSizedByUs ? group.minCount : group.desiredCount;
}

type LaunchParts = Omit<LaunchContext, "tenure" | "machineCountMax" | "noteObstacle" | "isLeft">;

/** Drafts launches, and carries them out, each after what was heard of others. */
function createLaunches(
  parts: LaunchParts,
  { settings, clock, machineCountMax, isObserving, isLeft = false }: AsgProviderOptions,
  memory: GroupMemory,
): { readonly launch: Provider["launch"]; readonly orders: LaunchOrders } {
  let obstacle: string | null = null;
  const noteObstacle = (said: string | null) => {
    obstacle = said;
  };
  return {
    launch: async (request, tenure = ALONE) => {
      const { launchId, order = null } = request;
      // It is asked for nothing any more. What a restored store forgot of it would be of no draft that is made now either.
      if (isLeft && order === null) return [];
      invariant(order !== null, "a launch of a group is drafted and stored before it is made");
      memory.take({ ...tenure, others: [...tenure.others, { launchId, order }] }, settings, clock.nowMs());
      return carryOut({ ...parts, tenure, isLeft, machineCountMax, noteObstacle }, readOrder(order), request);
    },
    orders: {
      draftsFor: () => true,
      draft: async (request, tenure = ALONE) => {
        if (isLeft) return null;
        memory.take(tenure, settings, clock.nowMs());
        return draftOrder({ ...parts, machineCountMax, nowMs: () => clock.nowMs() }, request);
      },
      readObstacles: () => {
        if (!isLeft) return failedOf(settings, obstacle);
        // One that only observes has never asked for anything.
        return isObserving ? [] : owedOf(parts, obstacle);
      },
    },
  };
}

function failedOf({ group }: AsgSettings, obstacle: string | null): readonly string[] {
  return obstacle === null ? [] : [`group ${group} could not launch: ${obstacle}`];
}

/** Nothing is launched there: what it could not launch matters for as long as it goes on trying. */
function owedOf({ settings, sights }: LaunchParts, obstacle: string | null): readonly string[] {
  const group = sights.group();
  const owed = group === null ? null : describeOwed(settings, group);
  if (owed === null) return [];
  return [
    `group ${settings.group} launches nothing: ${owed}${obstacle === null ? "" : `; it could not yet: ${obstacle}`}`,
  ];
}
