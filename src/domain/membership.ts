/**
 * Where a machine of a group is on the group's own way. A group ends, heals, replaces and rests its machines by reasons of its
 * own; what that means for tickets and endings is decided here and in `lifecycle`, never by the group's word for it.
 */

/**
 * `coming`: it is started for service and not there yet, and a hook of somebody's may still end it. `aside`: somebody took
 * it out of service, or the group does with it what we do not know: it is left alone. `reserve`: in the group's warm pool,
 * running, stopped or asleep; it may come into service, again or for the first time.
 */
export interface Membership {
  readonly place: "coming" | "serving" | "aside" | "reserve";
  /**
   * Whether the group ends it of its own accord. `waits`: a hook holds that up until we have said the word, or have been
   * silent for too long. `under-way`: nothing holds it up any more. `retained`: it is over, and the machine is kept running
   * until somebody ends it.
   */
  readonly departure: "none" | "waits" | "under-way" | "retained";
  /**
   * A hook holds up what is done with it, though its group does not want to end it: its way into service or the reserve, or
   * what is done with it aside, which may be no less than to take its root away.
   */
  readonly isPaused?: true;
}

/** Gets tickets: only then would nothing but the group's own decision to end it come between it and its job. */
export function isInService(membership: Membership | null | undefined): boolean {
  return membership?.place === "serving" && membership.departure === "none";
}

export function isDeparting(membership: Membership | null | undefined): boolean {
  return (membership?.departure ?? "none") !== "none";
}

export function isSamePlace(one: Membership | null | undefined, other: Membership | null | undefined): boolean {
  return one?.place === other?.place && one?.departure === other?.departure && one?.isPaused === other?.isPaused;
}

/**
 * Whether a hook holds up what the group does with it. One that goes back to the reserve is stopped there: with a job on it
 * that is an end too. One that comes back from there, or from standby, meets the launch hooks again, which end it where
 * nobody answers them. What pauses aside is not ended, but its job would be.
 */
export function isHeldByHook(membership: Membership | null | undefined): boolean {
  const isMoved = membership?.place === "reserve" || membership?.place === "coming" || membership?.isPaused === true;
  return membership?.departure === "waits" || (isMoved && !isDeparting(membership));
}

/** Whether a reading shows that a hook waits, and not only that one might before the next reading. */
export function isShownAtHook(membership: Membership): boolean {
  return membership.departure === "waits" || membership.isPaused === true;
}

/**
 * Whether one reading of a member is older than another, or says less, though it came later: readings lag. A group takes back
 * its wish to end a member never, and one that waits at a hook was on its way there before.
 */
export function isOverruled(shown: Membership, last: Membership): boolean {
  if (isDeparting(last) && !isDeparting(shown)) return true;
  const { place, departure } = last;
  return last.isPaused === true && shown.isPaused !== true && shown.place === place && shown.departure === departure;
}

/**
 * Whether an idle machine ends. One that came back to the reserve does too: whatever a job left there must not meet the next
 * one, and the group fills its reserve anew.
 */
export function hasLeftService(membership: Membership | null | undefined): boolean {
  return isDeparting(membership) || membership?.place === "reserve";
}

/** The share of the time that a group can be made to wait after which somebody is told that it runs out. */
const TELL_AT_SHARE = 0.8;

export interface HoldTime {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly isRetained?: boolean;
}

/** Nothing ends where the group keeps the machine running after it. */
export function isHoldEnding({ sinceMs, untilMs, isRetained = false }: HoldTime, nowMs: number): boolean {
  return !isRetained && nowMs - sinceMs >= TELL_AT_SHARE * (untilMs - sinceMs);
}

/** In words, for the machine's record. */
export function describeMembership({ place, departure }: Membership): string {
  const where = PLACES[place];
  return departure === "none" ? where : `${where}, ${DEPARTURES[departure]}`;
}

const PLACES: Readonly<Record<Membership["place"], string>> = {
  coming: "on its way into its group's service",
  serving: "in its group's service",
  aside: "out of its group's service",
  reserve: "in its group's reserve",
};

const DEPARTURES: Readonly<Record<Exclude<Membership["departure"], "none">, string>> = {
  waits: "which wants to end it and waits for our word",
  "under-way": "which is ending it",
  retained: "which is done with it and keeps it running until it is ended",
};
