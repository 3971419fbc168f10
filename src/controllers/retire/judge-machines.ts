/**
 * Whether each machine of a pool is kept or retires, from the rows and from what is remembered. Reads only, so that what
 * the next pass would decide can be asked for without it.
 */
import { isOfLaunch } from "../../domain/adoption.ts";
import type { MachineId, TicketId } from "../../domain/ids.ts";
import { decideLifecycle, type LifecycleDecision, type LifecycleInput } from "../../domain/lifecycle.ts";
import type { Machine } from "../../domain/machine.ts";
import { isDeparting, isHeldByHook, isHoldEnding } from "../../domain/membership.ts";
import { heedWords, type PoolWords } from "../../domain/operator-words.ts";
import { checkPlan, type PlanNote } from "../../domain/plan-checks.ts";
import type { HostReport } from "../../domain/protocol.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { isRolloutReason, rolloutPlaceCount } from "../../domain/rollout.ts";
import { NO_HOST_FACTS } from "../../domain/slow-proofs.ts";
import { isTicketLive, isTicketOut, type Ticket } from "../../domain/ticket.ts";
import { isPast } from "../../domain/time.ts";
import { judgeMachine } from "../../domain/verdict.ts";
import { firstSpokenForMs } from "../../store/machines/count.ts";
import { readPoolWords } from "../../store/pool-words.ts";
import { heardTime, type PoolContext } from "../context.ts";
import { isGroupsMachine } from "../group-member.ts";
import { heard, type Known, mayBeSlow, readKnownOfMany } from "./host-facts.ts";
import { followRefusals, type Refusals } from "./refusals.ts";

export interface Judgement {
  /** Of every machine that is not retiring. */
  readonly decisions: ReadonlyMap<MachineId, LifecycleDecision>;
  /** Machines that nobody can judge now. */
  readonly unknown: ReadonlySet<MachineId>;
  /** Since when each parked machine's agent has been making itself ready again. */
  readonly notReadySinceMs: ReadonlyMap<MachineId, number>;
  /** Since when each machine's group has been seen to want its end. */
  readonly departingSinceMs: ReadonlyMap<MachineId, number>;
  /** When each machine that boots was last seen out of its group's service. */
  readonly lastAsideMs: ReadonlyMap<MachineId, number>;
  /** For how long each ticket's host has refused to hand it back. */
  readonly refusals: ReadonlyMap<TicketId, Refusals>;
  /** What is not sound in it, and not carried out. */
  readonly notes: readonly PlanNote[];
}

/**
 * @param machines those that are not gone, newest first.
 * @param tickets the live ones.
 */
export async function judgeMachines(
  context: PoolContext,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
): Promise<Judgement> {
  await readAgents(context);
  const known = await readSlow(context, machines, tickets);
  const words = await readPoolWords(context.store.db, context.pool.name);
  const notReadySinceMs = readNotReady(context, machines);
  const departingSinceMs = readDeparting(context, machines);
  const lastAsideMs = readAside(context, machines);
  const seen = { notReadySinceMs, departingSinceMs, lastAsideMs };
  const judged = decideMachines(context, { machines, tickets, known, words, ...seen });
  const notes = checkPlan(
    { jobs: [], launchCount: 0, machines: judged.decisions },
    { pool: context.pool, demand: NO_DEMAND, machines, tickets },
  );
  const refusals = followRefusals(context.memory.refusals, machines, tickets, context.clock.nowMs());
  return { ...judged, ...seen, refusals, notes };
}

/** Machines that the group starts have an agent once one that came before them, or with them, has. */
async function readAgents({ abilities, memory, store, pool }: PoolContext): Promise<void> {
  if ((abilities?.group ?? null) === null || memory.agentsSinceMs !== null) return;
  memory.agentsSinceMs = await firstSpokenForMs(store.db, pool.name);
}

const NO_DEMAND = {
  jobs: [],
  tickets: [],
  unnamedRunning: [],
  machines: [],
  mintPauses: new Map<string, ReasonCode>(),
  launchRoom: { count: 0, limit: "at-max" },
} as const;

interface Question {
  readonly machines: readonly Machine[];
  readonly tickets: readonly Ticket[];
  readonly known: ReadonlyMap<MachineId, Known>;
  readonly words: PoolWords;
  readonly notReadySinceMs: Judgement["notReadySinceMs"];
  readonly departingSinceMs: Judgement["departingSinceMs"];
  readonly lastAsideMs: Judgement["lastAsideMs"];
}

function decideMachines(
  context: PoolContext,
  { machines, tickets, known, words, notReadySinceMs, departingSinceMs, lastAsideMs }: Question,
): Pick<Judgement, "decisions" | "unknown"> {
  const time = heardTime(context);
  const ticketByMachine = new Map(tickets.filter(isTicketLive).map((ticket) => [ticket.machineId, ticket]));
  const decisions = new Map<MachineId, LifecycleDecision>();
  const unknown = new Set<MachineId>();
  let placeCount = rolloutPlaceCount(machines.length, machines);
  // Listed newest first, and replaced oldest first.
  for (const machine of machines.toReversed()) {
    if (machine.state.kind === "retiring") continue;
    const ticket = ticketByMachine.get(machine.id) ?? null;
    const heardAtMs = context.hearing.heardAtMs(machine.id);
    const input = {
      machine,
      ticket,
      heardAtMs,
      tickets: ticket === null ? [] : [ticket],
      facts: { ...NO_HOST_FACTS, ...heard(context, machine.id) },
      ...known.get(machine.id),
      providerState: context.memory.observed.get(machine.id)?.state ?? null,
      membership: context.memory.observed.get(machine.id)?.membership ?? null,
      isHoldEnding: isHeldToTheEnd(context, machine.id),
      ...judgeAsMember(context, machine, departingSinceMs.get(machine.id) ?? null),
      surplusSinceMs: context.memory.surplusSinceMs.get(machine.id) ?? null,
      notReadySinceMs: notReadySinceMs.get(machine.id) ?? null,
      lastAsideMs: lastAsideMs.get(machine.id) ?? null,
      isShuttingDown: context.isShuttingDown(),
      mayBeReplaced:
        placeCount > 0 &&
        // Nothing is lost for a moment with one that waits stopped: its replacement comes after it.
        (machine.state.kind === "stopped" ||
          context.memory.replaced.has(machine.id) ||
          isRolloutReason(machine.retireWhenSpent)),
      mayBeStopped: context.memory.standby.toStop.has(machine.id),
    };
    const decision = heedWords(decideLifecycle(input, context.pool, time), { ...input, words }, context.pool);
    if (decision.kind === "retire" && isRolloutReason(decision.reason)) placeCount -= 1;
    decisions.set(machine.id, decision);
    if (judgeMachine(input, time).kind === "unknown") unknown.add(machine.id);
  }
  return { decisions, unknown };
}

/**
 * Of what is no group's neither is asked. A stranger that its group wants to end is let go after as long as anybody may
 * be unknown, counted from then: before that nobody asked for its end, and its job may have begun a moment ago. What leaves
 * the reserve was in nobody's service.
 */
function judgeAsMember(
  context: PoolContext,
  machine: Machine,
  departingSinceMs: number | null,
): Pick<LifecycleInput, "hasLeftGroup" | "isStrangers"> {
  const { memory, pool } = context;
  const { id, origin, incarnation } = machine;
  if (!isGroupsMachine(context, id)) return {};
  const observed = memory.observed.get(id);
  const isMember = (observed?.membership ?? null) !== null;
  const isTrimmed = departingSinceMs !== null && observed?.membership?.place === "reserve";
  const isTrimmedNewcomer = isTrimmed && origin === "launched";
  const mayBeOurs = incarnation !== null || isTrimmedNewcomer || shouldHaveAgent(context, machine);
  const { unknownMs } = pool.deadlines;
  const isWaitedFor =
    departingSinceMs !== null && unknownMs > 0 && isPast(departingSinceMs, unknownMs, heardTime(context));
  return {
    hasLeftGroup: observed?.state === "running" && !isMember,
    isStrangers: !mayBeOurs && !isWaitedFor,
  };
}

/**
 * One that the group started by itself, well before the first that had an agent, may be of an image that has none; so may
 * one that was there when we first looked. What is adopted later had a row that was lost, or was put into a group of ours.
 */
function shouldHaveAgent({ memory, pool }: PoolContext, machine: Machine): boolean {
  const { agentsSinceMs } = memory;
  if (agentsSinceMs === null) return false;
  if (machine.origin === "adopted") return machine.createdAtMs > agentsSinceMs;
  return isOfLaunch(machine) || machine.createdAtMs >= agentsSinceMs - pool.deadlines.bootMs;
}

function readDeparting({ memory, clock }: PoolContext, machines: readonly Machine[]): ReadonlyMap<MachineId, number> {
  const departing = machines.filter(({ id }) => isDeparting(memory.observed.get(id)?.membership));
  return new Map(departing.map(({ id }) => [id, memory.departingSinceMs.get(id) ?? clock.nowMs()]));
}

/** Of those that boot alone: what it is for any other is asked as it is now. */
function readAside({ memory, clock }: PoolContext, machines: readonly Machine[]): ReadonlyMap<MachineId, number> {
  return new Map(
    machines.flatMap(({ id, state }) => {
      if (state.kind !== "provisioning") return [];
      const isAside = memory.observed.get(id)?.membership?.place === "aside";
      const lastMs = isAside ? clock.nowMs() : memory.lastAsideMs.get(id);
      return lastMs === undefined ? [] : [[id, lastMs] as const];
    }),
  );
}

function isHeldToTheEnd({ memory, clock }: PoolContext, id: MachineId): boolean {
  const held = memory.holds.get(id);
  if (held === undefined || !isHeldByHook(memory.observed.get(id)?.membership)) return false;
  return isHoldEnding(held.hold, clock.nowMs());
}

/** What is known of those machines of which a slow proof could hold. */
async function readSlow(
  context: PoolContext,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
): Promise<ReadonlyMap<MachineId, Known>> {
  const ticketByMachine = new Map(tickets.filter(isTicketOut).map((ticket) => [ticket.machineId, ticket]));
  const slow = machines.filter((machine) => {
    const { kind } = machine.state;
    const isWaited = kind === "parked" || kind === "stopping" || kind === "engaged";
    return isWaited && mayBeSlow(context, machine, ticketByMachine.get(machine.id) ?? null);
  });
  return readKnownOfMany(
    context,
    slow.map(({ id }) => id),
  );
}

/** It would not come for a ticket: it makes itself ready again, cannot read its journal, or cannot see what runs there. */
function isNotReady(report: HostReport | null): boolean {
  if (report === null) return false;
  return report.phase === "preparing" || report.phase === "starting" || report.sighting.kind === "unknown";
}

function readNotReady({ memory, clock }: PoolContext, machines: readonly Machine[]): ReadonlyMap<MachineId, number> {
  const notReady = machines.filter(({ state, report }) => state.kind === "parked" && isNotReady(report));
  return new Map(notReady.map(({ id }) => [id, memory.notReadySinceMs.get(id) ?? clock.nowMs()]));
}
