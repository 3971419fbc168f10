/**
 * Whom a group ends of its own accord: never a protected member, out of the zone with the most members first, and there by
 * the group's termination policies, one after the other; the instance id decides between equals, which nobody can foresee.
 */
import { HOUR_MS } from "../../domain/units.ts";
import { countMembers, isActive, listMembers } from "./counts.ts";
import type { Place } from "./move.ts";
import type { Member } from "./state.ts";

type Rank = (member: Member) => number;

/** Null: nobody may be ended. */
export function chooseVictim(place: Place): Member | null {
  const candidates = listCandidates(place);
  const zone = fullestZone(place, candidates);
  const ranks = place.group.terminationPolicies.flatMap((policy) => ranksOf(policy, place.nowMs));
  const inZone = candidates.filter((member) => member.zone === zone);
  return inZone.sort((one, other) => compare(one, other, ranks))[0] ?? null;
}

function listCandidates({ group }: Place): Member[] {
  return listMembers(group, ({ state, isProtected }) => state === "InService" && !isProtected);
}

/** Of those where somebody may be ended. */
function fullestZone({ group }: Place, candidates: readonly Member[]): string | null {
  const zones = [...new Set(candidates.map(({ zone }) => zone))].sort();
  const countIn = (zone: string) => countMembers(group, (member) => member.zone === zone && isActive(member));
  return zones.sort((one, other) => countIn(other) - countIn(one))[0] ?? null;
}

/** The least first. */
function ranksOf(policy: string, nowMs: number): readonly Rank[] {
  const byTemplate: Rank = ({ template }) => template.version;
  const byHour: Rank = ({ joinedAtMs }) => HOUR_MS - ((nowMs - joinedAtMs) % HOUR_MS);
  switch (policy) {
    case "Default":
      return [byTemplate, byHour];
    case "OldestInstance":
      return [({ joinedAtMs }) => joinedAtMs];
    case "NewestInstance":
      return [({ joinedAtMs }) => -joinedAtMs];
    case "OldestLaunchTemplate":
      return [byTemplate];
    case "ClosestToNextInstanceHour":
      return [byHour];
    default:
      return [];
  }
}

function compare(one: Member, other: Member, ranks: readonly Rank[]): number {
  for (const rank of ranks) if (rank(one) !== rank(other)) return rank(one) - rank(other);
  return one.instanceId < other.instanceId ? -1 : 1;
}

/** Two zones whose members differ by two or more, where the fuller has somebody who may be ended. */
export function findImbalance(place: Place): { readonly emptier: string } | null {
  const { state, group } = place;
  const zones = state.ec2.options.subnets.filter(({ id }) => group.subnetIds.includes(id)).map(({ zone }) => zone);
  const counted = [...new Set(zones)]
    .map((zone) => ({ zone, count: countMembers(group, (member) => member.zone === zone && isActive(member)) }))
    .sort((one, other) => one.count - other.count);
  const [emptiest] = counted;
  const fullest = counted.at(-1);
  if (emptiest === undefined || fullest === undefined || fullest.count - emptiest.count < 2) return null;
  return listCandidates(place).some(({ zone }) => zone === fullest.zone) ? { emptier: emptiest.zone } : null;
}
