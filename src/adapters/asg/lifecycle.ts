/**
 * The states of a group's members, as the Auto Scaling API names them, and what each means to us ("Amazon EC2 Auto Scaling
 * instance lifecycle", Auto Scaling user guide). A state that the group has added since is left alone.
 */
import { isHeldByHook, type Membership } from "../../domain/membership.ts";

const COMING: Membership = { place: "coming", departure: "none" };
const SERVING: Membership = { place: "serving", departure: "none" };
const RESERVE: Membership = { place: "reserve", departure: "none" };
/** Somebody took it out of service, or something is done with it that we take no part in. */
const ASIDE: Membership = { place: "aside", departure: "none" };
const PAUSED: Membership = { ...ASIDE, isPaused: true };

/** What ends was in service, or in reserve, and goes on with what it does until it has ended. */
const MEMBERSHIPS: Readonly<Record<string, Membership>> = {
  Pending: COMING,
  "Pending:Wait": { ...COMING, isPaused: true },
  "Pending:Proceed": COMING,
  InService: SERVING,
  Terminating: { ...SERVING, departure: "under-way" },
  "Terminating:Wait": { ...SERVING, departure: "waits" },
  "Terminating:Proceed": { ...SERVING, departure: "under-way" },
  "Terminating:Retained": { ...SERVING, departure: "retained" },
  Terminated: { ...SERVING, departure: "under-way" },
  "Warmed:Pending": RESERVE,
  "Warmed:Pending:Wait": { ...RESERVE, isPaused: true },
  "Warmed:Pending:Proceed": RESERVE,
  "Warmed:Pending:Retained": { ...RESERVE, departure: "retained" },
  "Warmed:Stopped": RESERVE,
  "Warmed:Running": RESERVE,
  "Warmed:Hibernated": RESERVE,
  "Warmed:Terminating": { ...RESERVE, departure: "under-way" },
  "Warmed:Terminating:Wait": { ...RESERVE, departure: "waits" },
  "Warmed:Terminating:Proceed": { ...RESERVE, departure: "under-way" },
  "Warmed:Terminating:Retained": { ...RESERVE, departure: "retained" },
  "Warmed:Terminated": { ...RESERVE, departure: "under-way" },
  EnteringStandby: ASIDE,
  Standby: ASIDE,
  Detaching: ASIDE,
  Detached: ASIDE,
  Quarantined: ASIDE,
  ReplacingRootVolume: ASIDE,
  "ReplacingRootVolume:Wait": PAUSED,
  "ReplacingRootVolume:Proceed": ASIDE,
  RootVolumeReplaced: ASIDE,
};

export function membershipOf(lifecycle: string): Membership {
  const known = Object.hasOwn(MEMBERSHIPS, lifecycle) ? MEMBERSHIPS[lifecycle] : undefined;
  return known ?? (isWait(lifecycle) ? PAUSED : ASIDE);
}

/** The API's word for what a hook holds up, whatever it is. */
function isWait(lifecycle: string): boolean {
  return lifecycle.endsWith(":Wait");
}

export function isReserve(lifecycle: string): boolean {
  return membershipOf(lifecycle).place === "reserve";
}

/** Whether the group counts it towards its desired capacity: what is on its way out or aside it replaces, or has not to. */
export function isCounted(lifecycle: string): boolean {
  const { place, departure } = membershipOf(lifecycle);
  return departure === "none" && (place === "serving" || place === "coming");
}

/**
 * Which hooks hold it up now; null: none does. What comes into the reserve is held by launch hooks where it was launched for
 * it, and by terminate hooks where scale-in returns it: its state is the same ("Warm pool example events and patterns",
 * Auto Scaling user guide). By which the replacement of a root is held up ("Replace root volumes during instance refresh"),
 * or what is added later, is not told: each is asked.
 */
export function waitsAt(lifecycle: string): HookSide | null {
  if (/^(?:Warmed:)?Terminating:Wait$/.test(lifecycle)) return "terminate";
  if (lifecycle === "Pending:Wait") return "launch";
  return isWait(lifecycle) ? "either" : null;
}

/** The same of one that was held up there, by what it was to us then. */
export function waitedAt(membership: Membership | null): HookSide | null {
  if (membership === null || !isHeldByHook(membership)) return null;
  if (membership.departure === "waits") return "terminate";
  return membership.place === "coming" ? "launch" : "either";
}

export type HookSide = "launch" | "terminate" | "either";

/** By which call a member ends. */
export type Ending =
  /** The group waits for our word alone. */
  | "complete"
  /** The group ends it when it is told to. */
  | "leave"
  /** The group has let go of it, and keeps it until it is told. */
  | "release"
  /** The group takes no such word for its reserve. */
  | "instance"
  /** Nothing holds it up any more. */
  | "under-way"
  /** Somebody does something with it that ends by itself, or that we do not know. */
  | "aside";

export function endingOf(lifecycle: string): Ending {
  const { place, departure } = membershipOf(lifecycle);
  if (departure === "waits") return "complete";
  if (departure === "under-way") return "under-way";
  if (place === "reserve") return "instance";
  if (departure === "retained") return "release";
  if (lifecycle === "Detached") return "instance";
  return place === "aside" && lifecycle !== "Standby" ? "aside" : "leave";
}
