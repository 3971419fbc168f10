/** Lets everything happen that is due: in EC2, in the members, in what their groups want. */
import { advance as advanceEc2, nextDueMs as nextEc2DueMs } from "../ec2/life.ts";
import { draw, type Place } from "./move.ts";
import { replacementDueMs } from "./replace.ts";
import type { AsgState } from "./state.ts";
import { memberDueMs, stepMember } from "./step.ts";
import { recordView } from "./views.ts";
import { doWork, findWork, noteSituation } from "./work.ts";

/** Steps of one moment: a member takes a handful, one after the other. */
const ROUND_COUNT_MAX = 100;

export function advance(state: AsgState, nowMs: number): void {
  for (let dueMs = nextDueMs(state); dueMs !== null && dueMs <= nowMs; dueMs = nextDueMs(state)) {
    advanceEc2(state.ec2, dueMs);
    settle(state, dueMs);
  }
  advanceEc2(state.ec2, nowMs);
  settle(state, nowMs);
}

/** When the next thing happens by itself, here or in EC2; null: never. */
export function nextDueMs(state: AsgState): number | null {
  const moments = [nextEc2DueMs(state.ec2), ...[...state.groups.values()].map(({ wakesAtMs }) => wakesAtMs)];
  const given = moments.filter((atMs) => atMs !== null);
  return given.length === 0 ? null : Math.min(...given);
}

/** Whatever follows at once from how things are. */
export function settle(state: AsgState, nowMs: number): void {
  for (const group of state.groups.values()) {
    const place: Place = { state, group, nowMs };
    settleGroup(place);
    group.wakesAtMs = wakeMs(place);
    recordView(place);
  }
}

function settleGroup(place: Place): void {
  const { state, group, nowMs } = place;
  for (let round = 0; round < ROUND_COUNT_MAX; round += 1) {
    let isChanged = false;
    for (const member of [...group.members.values()]) isChanged = stepMember(place, member) || isChanged;
    noteSituation(place);
    if (findWork(place) === null) group.reactsAtMs = null;
    else group.reactsAtMs ??= nowMs + draw(state, "reaction", state.options.times.reactionMs);
    if (group.reactsAtMs !== null && nowMs >= group.reactsAtMs) {
      group.reactsAtMs = null;
      doWork(place);
      isChanged = true;
    }
    if (!isChanged) return;
  }
}

function wakeMs(place: Place): number | null {
  const { group, nowMs } = place;
  const moments = [group.reactsAtMs, replacementDueMs(place), group.launchesFromMs, group.replacesFromMs];
  for (const member of group.members.values()) moments.push(memberDueMs(member));
  // What was due by now has been tried: it waits for something else than time.
  const later = moments.filter((atMs) => atMs !== null).filter((atMs) => atMs > nowMs);
  return later.length === 0 ? null : Math.min(...later);
}
