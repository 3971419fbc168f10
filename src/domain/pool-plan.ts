/** What one pass of a pool decides, as one value: jobs first, then the tickets in advance, then how many machines. */
import { type Breaker, mayProbe } from "./breakers.ts";
import { type DemandInput, type DemandPlan, decideDemand, type FreeMachine, type LaunchRoom } from "./demand.ts";
import type { MachineId, TicketId } from "./ids.ts";
import { type PoolPolicy, scopeKey } from "./pool.ts";
import { decideScale, type ScaleDecision } from "./scale.ts";
import { decideStandby, NO_STANDBY, type StandbyPlan, type StandbyState } from "./standby.ts";
import { decideStanding, type StandingPlan } from "./standing.ts";
import { isLate, type StandingWanted, standingScope } from "./supply.ts";
import { isHeldReady, type Ticket } from "./ticket.ts";
import type { HeardTime } from "./time.ts";

export interface PoolInput {
  /** As they are: before a breaker holds anything back. */
  readonly demand: DemandInput;
  readonly wanted: StandingWanted;
  readonly breakers: PoolBreakers;
  /** Machines of a launch whose agent nobody has heard yet, those being asked for included. */
  readonly unheardCount: number;
  /** Machines that could take a ticket now: not silent, not stuck, not on their way out, not to be replaced. */
  readonly usable: ReadonlySet<MachineId>;
  /** Of the machines that wait stopped; none where it is left out. */
  readonly standby?: StandbyState;
}

export interface PoolBreakers {
  readonly tickets: Breaker;
  readonly launches: Breaker;
}

/** How far a breaker holds its pool back now. */
export type Stop = "none" | "stopped" | "probe";

export interface PoolStops {
  readonly tickets: Stop;
  readonly launches: Stop;
}

export interface PoolDecision {
  readonly demand: DemandPlan;
  readonly standing: StandingPlan;
  readonly scale: ScaleDecision;
  readonly standby: StandbyPlan;
  readonly stops: PoolStops;
}

export function decidePool(input: PoolInput, pool: PoolPolicy, time: HeardTime): PoolDecision {
  const stops = decideStops(input, pool, time);
  const held = holdBack(input, stops);
  const plan = decideDemand({ ...held.demand, standing: input.wanted }, pool, time);
  const demand: DemandPlan = {
    ...plan,
    spare: [...plan.spare, ...held.machines],
    unneeded: pool.mode === "observe" ? [] : [...plan.unneeded, ...held.useless],
  };
  const standing = decideStanding(
    {
      wanted: input.wanted,
      warmParkedCount: pool.warmParkedCount,
      usable: input.usable,
      mayMint: stops.tickets === "none" && !isScopePaused(input.demand, pool),
      mintingCount: input.demand.tickets.filter((one) => one.state.kind === "minting" && one.purpose !== "job").length,
    },
    demand,
  );
  const scale = decideScale(demand, held.demand.launchRoom, pool, standing);
  return { demand, standing, stops, ...addStandby({ input, held, demand, standing, scale }, pool) };
}

interface BeforeStandby extends Pick<PoolDecision, "demand" | "standing" | "scale"> {
  readonly input: PoolInput;
  readonly held: HeldBack;
}

/** Stopped machines stand in for launches, and what is missing of them is launched. */
function addStandby(
  { input, held, demand, standing, scale }: BeforeStandby,
  pool: PoolPolicy,
): Pick<PoolDecision, "scale" | "standby"> {
  if (pool.mode !== "run") return { scale, standby: NOTHING_STANDS_BY };
  const warmCount = standing.spare.length + demand.standing.readyCount;
  const standby = decideStandby({
    state: input.standby ?? NO_STANDBY,
    demand,
    scale,
    inAdvanceCount: standing.launchCount + Math.max(0, pool.warmParkedCount - warmCount),
    beyondCount: Math.max(0, warmCount - pool.warmParkedCount),
    launchRoomCount: held.demand.launchRoom.count,
  });
  return { scale: { ...scale, launchCount: standby.launchCount }, standby };
}

const NOTHING_STANDS_BY: StandbyPlan = { starts: [], launchCount: 0, surplus: [], stopRoom: 0 };

function decideStops({ demand, breakers, unheardCount }: PoolInput, pool: PoolPolicy, time: HeardTime): PoolStops {
  return {
    tickets: stopOf(breakers.tickets, isTicketTried(breakers.tickets, demand, pool, time), time),
    launches: stopOf(breakers.launches, unheardCount > 0, time),
  };
}

function stopOf(breaker: Breaker, isTrying: boolean, time: HeardTime): Stop {
  if (breaker.kind === "closed") return "none";
  return mayProbe(breaker, isTrying, time.nowMs) ? "probe" : "stopped";
}

/** A ticket that was made after the opening, or taken from those held ready, has not come to its end yet. */
function isTicketTried(breaker: Breaker, demand: DemandInput, pool: PoolPolicy, time: HeardTime): boolean {
  if (breaker.kind === "closed") return false;
  const waitingIds = new Set(demand.jobs.map(({ job }) => job.id));
  return demand.tickets.some((ticket) => {
    const { kind } = ticket.state;
    const isUnderWay = kind === "minting" || kind === "issued" || kind === "delivered" || kind === "online";
    const isProbe = Math.max(ticket.createdAtMs, ticket.aimedAtMs ?? 0) > breaker.sinceMs && !isHeldReady(ticket);
    return isUnderWay && isProbe && !isLate(ticket, waitingIds, pool, time);
  });
}

interface HeldBack {
  readonly demand: DemandInput;
  /** Machines that no job is given now. */
  readonly machines: readonly FreeMachine[];
  /** Tickets held ready for machines that could not take them. */
  readonly useless: readonly TicketId[];
}

function holdBack({ demand, usable, unheardCount }: PoolInput, stops: PoolStops): HeldBack {
  const isUseless = (one: Ticket) => isHeldReady(one) && one.state.kind === "issued" && !usable.has(one.machineId);
  const useless = demand.tickets.filter(isUseless).map(({ id }) => id);
  const tickets = demand.tickets.filter((one) => !isUseless(one));
  const launchRoom = stopLaunches(demand.launchRoom, stops.launches);
  if (stops.tickets === "none") return { demand: { ...demand, tickets, launchRoom }, machines: [], useless };
  const left = leaveOne({ ...demand, tickets }, stops.tickets === "probe");
  // A probe takes what is there; one machine is started for it where there is none.
  const mayLaunch = left.isNothingThere && unheardCount === 0 && stops.tickets === "probe";
  // What waits stopped is tried first: in a pool that is full of it nothing else could be.
  const startable = mayLaunch ? (demand.startable ?? []).slice(0, 1) : [];
  const launchCount = mayLaunch && startable.length === 0 ? Math.min(1, launchRoom.count) : 0;
  const room: LaunchRoom = { count: launchCount, limit: "tickets-stopped" };
  const isFull = mayLaunch && startable.length === 0 && launchCount === 0;
  return {
    demand: { ...left.demand, startable, launchRoom: isFull ? launchRoom : room },
    machines: left.machines,
    useless,
  };
}

function stopLaunches(room: LaunchRoom, stop: Stop): LaunchRoom {
  if (stop === "none" || room.count === 0) return room;
  return { count: stop === "probe" ? 1 : 0, limit: "launches-stopped" };
}

/** For a probe one ticket held ready or else one machine, and for anything else neither. */
function leaveOne(demand: DemandInput, isProbe: boolean) {
  const ready = demand.tickets.filter((ticket) => isHeldReady(ticket));
  const others = demand.tickets.filter((ticket) => !isHeldReady(ticket));
  const probes = isProbe ? ready.slice(0, 1) : [];
  const machineCount = isProbe && probes.length === 0 ? 1 : 0;
  const machines = [...demand.machines].sort((a, b) => MACHINE_ORDER.indexOf(a.state) - MACHINE_ORDER.indexOf(b.state));
  return {
    demand: { ...demand, tickets: [...others, ...probes], machines: machines.slice(0, machineCount) },
    machines: machines.slice(machineCount),
    isNothingThere: ready.length === 0 && machines.length === 0,
  };
}

const MACHINE_ORDER: readonly FreeMachine["state"][] = ["parked", "provisioning", "planned"];

function isScopePaused({ mintPauses }: DemandInput, pool: PoolPolicy): boolean {
  const scope = standingScope(pool);
  return scope !== null && mintPauses.has(scopeKey(scope));
}
