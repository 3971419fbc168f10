/**
 * Tickets that are made before a job needs them: for listeners that wait online (`warm.registered`), and to be held ready
 * for parked machines (`tickets.ready`). What jobs need comes first; this is decided on what they leave.
 */
import type { DemandPlan, FreeMachine } from "./demand.ts";
import type { MachineId } from "./ids.ts";
import type { StandingWanted } from "./supply.ts";
import type { TicketPurpose } from "./ticket.ts";

/** Requests for standing tickets that may be open at a time, so that they do not take GitHub's minute from jobs. */
const STANDING_MINTING_MAX = 4;

export interface StandingMint {
  readonly machineId: MachineId;
  readonly purpose: Exclude<TicketPurpose, "job">;
}

export interface StandingInput {
  readonly wanted: StandingWanted;
  readonly warmParkedCount: number;
  /** Whether tickets are to be had at all now: GitHub gives some, and no breaker stands against it. */
  readonly mayMint: boolean;
  /** Machines that could take a ticket now and keep it. */
  readonly usable: ReadonlySet<MachineId>;
  /** Standing tickets in `minting`. */
  readonly mintingCount: number;
}

export interface StandingPlan {
  readonly mints: readonly StandingMint[];
  /** Machines to launch for listeners that are missing. */
  readonly launchCount: number;
  /** Machines that are left to be kept parked. */
  readonly spare: readonly FreeMachine[];
}

export function decideStanding(input: StandingInput, demand: DemandPlan): StandingPlan {
  const missingCount = Math.max(0, input.wanted.registeredCount - demand.standing.registeredCount);
  // A machine that stands ready is kept for its ticket; none is started for a ticket that is not to be had.
  const taken = demand.spare.slice(0, missingCount);
  const spare = demand.spare.slice(taken.length);
  const registered = taken.filter(({ state }) => state !== "planned").map(({ id }) => id);
  const mints: StandingMint[] = [
    ...registered.map((machineId) => ({ machineId, purpose: "registered" }) as const),
    ...choosePrepared(input, demand, spare).map((machineId) => ({ machineId, purpose: "ready" }) as const),
  ];
  const mintCount = input.mayMint ? Math.max(0, STANDING_MINTING_MAX - input.mintingCount) : 0;
  return {
    mints: mints.slice(0, mintCount),
    launchCount: input.mayMint ? missingCount - taken.length : 0,
    spare,
  };
}

/** The parked machines that get a ticket in advance: of those that are not surplus, as `decideScale` counts them. */
function choosePrepared(
  { wanted, warmParkedCount, usable }: StandingInput,
  { standing }: DemandPlan,
  spare: readonly FreeMachine[],
): readonly MachineId[] {
  const surplusCount = Math.max(0, spare.length + standing.readyCount - warmParkedCount);
  const kept = spare.filter(({ state }) => state === "parked").slice(surplusCount);
  const missingCount = Math.max(0, wanted.readyCount - standing.readyCount);
  return kept
    .map(({ id }) => id)
    .filter((id) => usable.has(id))
    .slice(0, missingCount);
}
