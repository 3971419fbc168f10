/** What two answers that agree only in the end make of one member, or of one that was. */
import type { Instance } from "@aws-sdk/client-ec2";
import { type LaunchId, parseProviderId } from "../../domain/ids.ts";
import type { Membership } from "../../domain/membership.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { observeInstance, stateOf } from "../aws/states.ts";
import { GROUP_TAG, type Owner } from "../aws/tags.ts";
import type { Member } from "./group.ts";
import { isCounted, membershipOf } from "./lifecycle.ts";
import { hadRow } from "./row-marks.ts";

export interface View {
  readonly owner: Owner;
  readonly observedAtMs: number;
  /** Whether there is such a group at all. */
  readonly hasGroup: boolean;
  readonly launchOf: (id: string) => LaunchId | null;
  /** How far AWS's clock, by which a launch is told, is ahead of ours. */
  readonly aheadMs: number;
  /** Whether it was in the reserve when the group was last heard of it. */
  readonly wasReserve: (id: string) => boolean;
  /** Whether EC2 has said that it is terminated. */
  readonly hasEnded: (id: string) => boolean;
}

/** @param instance undefined where EC2 does not show it, yet or any more. */
export function observeMember(view: View, member: Member, instance: Instance | undefined): ObservedMachine {
  const { id, lifecycle } = member;
  const { owner, observedAtMs } = view;
  const membership = membershipOf(lifecycle);
  const unshown = view.hasEnded(id) ? "gone" : "starting";
  return {
    providerId: parseProviderId(id),
    machineId: null,
    // What ends again, or never came, is none of a launch's answer; nor is who came for one of a later store.
    launchId: isCounted(lifecycle) && !hadRow(instance, owner.controllerId) ? view.launchOf(id) : null,
    pool: owner.pool,
    state: instance === undefined ? unshown : stateOf(instance),
    observedAtMs,
    why: whyOf(lifecycle, membership),
    // Without EC2's word it is nothing yet, whatever the group makes of it.
    membership: instance === undefined && membership.departure === "none" ? comingAt(membership) : membership,
    hadRow: hadRow(instance, owner.controllerId),
    ...(instance === undefined ? { isByGroupAlone: true } : {}),
  };
}

const COMING: Membership = { place: "coming", departure: "none" };
const ASIDE: Membership = { place: "aside", departure: "none" };
const RESERVE: Membership = { place: "reserve", departure: "none" };

function comingAt({ isPaused }: Membership): Membership {
  return isPaused === true ? { ...COMING, isPaused } : COMING;
}

function whyOf(lifecycle: string, { place, departure }: Membership): string | null {
  if (departure === "retained") return `its group gave up waiting for its end, and retains it (${lifecycle})`;
  return place === "aside" ? `its group has it aside (${lifecycle})` : null;
}

/** What carries the mark of a launch was started without the group, when the pool was of another kind. */
function leftBy({ launchId }: ObservedMachine): Pick<ObservedMachine, "membership"> {
  return launchId === null ? { membership: null } : {};
}

/** For so long an instance that the group does not list yet is on its way into it. */
const GROUP_LAG_MS = 5 * MINUTE_MS;

/**
 * Of an instance that the group does not list. Without the group's tag it has left it, and is a machine like others; with
 * it, the group's list is the older word: it comes, or is on its way out, and is left alone. One that is drawn from the
 * reserve between the readings of group and reserve is in neither.
 */
export function observeLeft(view: View, instance: Instance): readonly ObservedMachine[] {
  const seen = observeInstance(instance, view.observedAtMs);
  if (seen === null) return [];
  const observed = { ...seen, hadRow: hadRow(instance, view.owner.controllerId) };
  const isTagged = instance.Tags?.some(({ Key }) => Key === GROUP_TAG) === true;
  if (!isTagged || !view.hasGroup)
    return [{ ...observed, pool: observed.pool ?? view.owner.pool, ...leftBy(observed) }];
  const ageMs = view.observedAtMs + view.aheadMs - (instance.LaunchTime?.getTime() ?? 0);
  const isYoung = ageMs < GROUP_LAG_MS;
  const membership = view.wasReserve(observed.providerId) ? RESERVE : isYoung ? COMING : ASIDE;
  const launchId = observed.hadRow ? null : view.launchOf(observed.providerId);
  return [{ ...observed, machineId: null, launchId, pool: view.owner.pool, membership }];
}
