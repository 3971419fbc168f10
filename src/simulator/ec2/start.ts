/** Starts instances for which there is room. */
import { invariant } from "../../domain/invariant.ts";
import { giveBelongings } from "./belongings.ts";
import { newId, nextNumber } from "./ids.ts";
import type { LaunchSettings } from "./launch-settings.ts";
import { scheduleNext } from "./life.ts";
import type { SubnetOption } from "./options.ts";
import { giveRoomBack, takeRoom } from "./room.ts";
import type { Ec2State, Instance } from "./state.ts";

export interface Start {
  readonly launch: LaunchSettings;
  readonly subnet: SubnetOption;
  readonly hostId: string | null;
  readonly clientToken: string | null;
  /** Marks of AWS's own: of the fleet, of the template. */
  readonly ownTags: ReadonlyMap<string, string>;
}

/** In one reservation, all of them pending. */
export function startInstances(state: Ec2State, start: Start, count: number, nowMs: number): Instance[] {
  const reservationId = newId(state, "r");
  return Array.from({ length: count }, (_, launchIndex) =>
    startInstance(state, start, { reservationId, launchIndex }, nowMs),
  );
}

type Place = Pick<Instance, "reservationId" | "launchIndex">;

function startInstance(state: Ec2State, start: Start, place: Place, nowMs: number): Instance {
  const { launch, subnet, hostId, clientToken, ownTags } = start;
  const { chance, lags, times, failedPendingShare } = state.options;
  const id = newId(state, "i");
  const fate = chance.fork(`fate/${id}`);
  const foundFromMs = nowMs + fate.between(lags.freshIdMs);
  const number = nextNumber(state, "instance");
  const instance: Instance = {
    ...place,
    id,
    number,
    clientToken,
    settings: launch.settings,
    type: launch.type.name,
    zone: subnet.zone,
    subnetId: subnet.id,
    market: launch.market,
    hostId,
    launchedAtMs: nowMs,
    privateIpAddress: addressOf(number),
    spotRequestId: launch.market === "spot" ? newId(state, "sir") : null,
    tags: new Map([...launch.tags, ...ownTags]),
    belongingIds: [],
    foundFromMs,
    listedFromMs: Math.max(foundFromMs, nowMs + fate.between(lags.listingMs)),
    phase: { kind: "pending", sinceMs: nowMs },
    lagging: null,
    stateReason: null,
    transitionReason: "",
    isDoomed: fate.happens(failedPendingShare),
    interruption: null,
    rebalanceAtMs: null,
    isTerminationProtected: launch.isTerminationProtected,
    isStopProtected: launch.isStopProtected,
    ignoredEndingCount: 0,
    hiddenFrom: "nobody",
    consoleOutput: "",
    statusChecksPassAtMs: nowMs + fate.between(times.statusChecksMs),
    targetLifecycleState: null,
    holdsRoom: false,
  };
  invariant(!state.instances.has(id), "an instance id is given once");
  state.instances.set(id, instance);
  state.known.set(id, instance);
  takeRoom(state, instance);
  giveBelongings(state, instance, launch.belongings, nowMs);
  state.changedInstanceIds.add(id);
  scheduleNext(state, instance);
  return instance;
}

/** 10.0.0.0/8, one after the other. */
function addressOf(number: number): string {
  return `10.${(number >> 16) & 0xff}.${(number >> 8) & 0xff}.${number & 0xff}`;
}

/** A fleet that gets less than its least takes back what it started, at once: those instances never were. */
export function forgetStart(state: Ec2State, instances: readonly Instance[]): void {
  for (const instance of instances) {
    giveRoomBack(state, instance);
    for (const id of instance.belongingIds) {
      state.volumes.delete(id);
      state.networkInterfaces.delete(id);
    }
    for (const map of [state.instances, state.known, state.due]) map.delete(instance.id);
    state.changedInstanceIds.delete(instance.id);
  }
}
