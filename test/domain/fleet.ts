/**
 * Random fleets that hold together, as a store would have them at one moment: a machine has at most one live ticket, one
 * that is out has an engaged (or retiring) machine, a parked or engaged one has reported, and free machines are those that
 * the assigning controller would offer.
 */
import fc from "fast-check";
import type { DemandInput, FreeMachine, WaitingJob } from "../../src/domain/demand.ts";
import { countsAsMachine, hasTicketsLeft, type Machine } from "../../src/domain/machine.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import { type PoolPolicy, type RegistrationScope, registrationScope, scopeKey } from "../../src/domain/pool.ts";
import type { HostPhase } from "../../src/domain/protocol.ts";
import { launchRoom } from "../../src/domain/scale.ts";
import { standingWanted } from "../../src/domain/supply.ts";
import {
  isTicketLive,
  isTicketOut,
  type Ticket,
  type TicketPurpose,
  type TicketStateKind,
} from "../../src/domain/ticket.ts";
import { type HeardTime, isPast } from "../../src/domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { AGENT_FRESH_MS } from "../../src/domain/verdict.ts";
import {
  heard,
  holding,
  incarnation,
  job,
  jobId,
  machine,
  machineId,
  machineState,
  pool,
  report,
  retiring,
  runnerId,
  START_MS,
  ticket,
  ticketId,
  ticketState,
  unheardMachine,
} from "./builders.ts";

export interface Fleet {
  readonly pool: PoolPolicy;
  readonly machines: readonly Machine[];
  /** Every ticket, the ended ones included. */
  readonly tickets: readonly Ticket[];
  readonly demand: DemandInput;
  readonly time: HeardTime;
  readonly providerStates: readonly (ProviderState | null)[];
  /** Of each machine, when its agent was last heard: null where it was not since this process started. */
  readonly heardAtMs: readonly (number | null)[];
}

export const NOW_MS = 10 * MINUTE_MS;
const LIVE_BEFORE_OUT = ["minting", "issued"] as const;
const OUT = ["delivered", "online", "running", "unknown"] as const;
const ENDED = ["spent", "barren", "void"] as const;

interface MachineDraft {
  readonly stateKind: "planned" | "provisioning" | "parked" | "engaged" | "retiring" | "gone";
  readonly live: (typeof LIVE_BEFORE_OUT)[number] | null;
  readonly out: (typeof OUT)[number];
  readonly ended: readonly (typeof ENDED)[number][];
  readonly job: number;
  readonly purpose: TicketPurpose;
  readonly isAimed: boolean;
  readonly sinceMs: number;
  readonly phase: HostPhase;
  readonly isHeard: boolean;
  readonly heardMs: number | null;
  readonly isRetireMarked: boolean;
  readonly providerState: ProviderState | null;
}

/** Within the last minute, where an agent is not silent and GitHub need not be asked again, or long ago. */
const oftenLately = fc.oneof(fc.integer({ min: NOW_MS - MINUTE_MS, max: NOW_MS }), fc.nat(NOW_MS));
const seldom = fc.constantFrom(true, false, false, false, false, false);

const draft: fc.Arbitrary<MachineDraft> = fc.record({
  stateKind: fc.constantFrom("planned", "provisioning", "parked", "parked", "parked", "engaged", "retiring", "gone"),
  live: fc.constantFrom(null, null, null, ...LIVE_BEFORE_OUT),
  out: fc.constantFrom(...OUT),
  ended: fc.oneof(fc.constant([]), fc.array(fc.constantFrom(...ENDED), { maxLength: 2 })),
  job: fc.nat(8),
  purpose: fc.constantFrom("job", "job", "job", "registered", "ready"),
  isAimed: fc.boolean(),
  sinceMs: fc.nat(NOW_MS),
  phase: fc.constantFrom("parked", "parked", "parked", "parked", "preparing", "leaving"),
  isHeard: fc.boolean(),
  heardMs: fc.option(oftenLately, { nil: null }),
  isRetireMarked: seldom,
  providerState: fc.constantFrom(null, "running", "running", "running", "dead", "gone"),
});

const scopes: readonly RegistrationScope[] = [
  { kind: "organization", organization: "acme" },
  { kind: "repository", owner: "acme", repository: "gadgets" },
];

/** The tickets of the machine with this number; the live one, if there is one, is the last. */
function ticketsOf(one: MachineDraft, number: number, scope: RegistrationScope): readonly Ticket[] {
  const isFree = one.stateKind === "provisioning" || one.stateKind === "parked";
  const live: TicketStateKind | null = one.stateKind === "engaged" ? one.out : isFree ? one.live : null;
  const hasPast = one.stateKind !== "planned" && one.stateKind !== "provisioning";
  const kinds = [...(hasPast ? one.ended : []), ...(live === null ? [] : [live])];
  return kinds.map((kind, index) =>
    ticket({
      id: ticketId(number * 10 + index),
      machineId: machineId(number),
      runnerId: runnerId(number * 10 + index),
      ...meantFor(one, kind),
      state: ticketState(kind, START_MS + one.sinceMs),
      scope,
    }),
  );
}

/** What is held ready leaves us only once it is aimed at a job; a listener in advance may be online without. */
function meantFor(one: MachineDraft, kind: TicketStateKind): Pick<Ticket, "purpose" | "jobId" | "aimedAtMs"> {
  const isWithUs = kind === "minting" || kind === "issued" || kind === "void";
  const isAimed = one.purpose === "job" || one.isAimed || (one.purpose === "ready" && !isWithUs);
  if (!isAimed) return { purpose: one.purpose, jobId: null, aimedAtMs: null };
  return { purpose: one.purpose, jobId: jobId(one.job + 1), aimedAtMs: START_MS + one.sinceMs };
}

function machineOf(one: MachineDraft, number: number, tickets: readonly Ticket[]): Machine {
  const id = machineId(number);
  const out = tickets.find(isTicketOut);
  const word = out === undefined ? report({ phase: one.phase }) : holding(out.id, "delivered");
  const ticketsGiven = tickets.filter(({ deliveredTo }) => deliveredTo !== null).length;
  const given = { id, ticketsGiven, retireWhenSpent: one.isRetireMarked ? "agent-leaving" : null } as const;
  const state = one.stateKind === "retiring" ? retiring() : machineState(one.stateKind, START_MS + one.sinceMs);
  return hasReported(one) ? machine({ ...given, ...HEARD, state, report: word }) : unheardMachine({ ...given, state });
}

const HEARD = { isAgentSeen: true, incarnation: incarnation(), sequence: 1 } as const;

/** A machine is parked, and engaged, only by what its agent has said. */
function hasReported({ stateKind, isHeard }: MachineDraft): boolean {
  return stateKind === "parked" || stateKind === "engaged" || (isHeard && stateKind !== "planned");
}

function lastHeard(one: MachineDraft): number | null {
  return hasReported(one) && one.heardMs !== null ? START_MS + one.heardMs : null;
}

/** As the assigning controller offers them. */
function freeMachines(
  machines: readonly Machine[],
  heardAtMs: Fleet["heardAtMs"],
  tickets: readonly Ticket[],
  settings: PoolPolicy,
): FreeMachine[] {
  const time = heard(NOW_MS);
  const withTicket = new Set(tickets.filter(isTicketLive).map((one) => one.machineId));
  return machines.flatMap((one, index) => {
    const { kind, sinceMs } = one.state;
    if (kind !== "parked" && kind !== "provisioning" && kind !== "planned") return [];
    const isSilent = isPast(heardAtMs[index] ?? 0, AGENT_FRESH_MS, time);
    const isStuck = one.report?.phase !== "parked" && isPast(sinceMs, AGENT_FRESH_MS, time);
    if (kind === "parked" && (isSilent || isStuck)) return [];
    if (withTicket.has(one.id) || !hasTicketsLeft(one, settings.jobsPerMachine)) return [];
    return one.retireWhenSpent === null && one.report?.phase !== "leaving" ? [{ id: one.id, state: kind }] : [];
  });
}

const waitingJobs: fc.Arbitrary<readonly WaitingJob[]> = fc
  .uniqueArray(fc.nat(11), { maxLength: 10 })
  .chain((numbers) =>
    fc.tuple(
      ...numbers.map((number) =>
        fc.record({
          createdMs: oftenLately,
          repository: fc.constantFrom("acme/widgets", "acme/gadgets"),
          ticketCount: fc.nat(2),
          askedMs: fc.option(oftenLately, { nil: null }),
          isAskPaused: fc.boolean(),
          number: fc.constant(number),
        }),
      ),
    ),
  )
  .map((drafts) =>
    drafts
      .sort((a, b) => a.createdMs - b.createdMs)
      .map(({ createdMs, repository, ticketCount, askedMs, isAskPaused, number }) => {
        const createdAtMs = START_MS + createdMs;
        return {
          job: job({ id: jobId(number + 1), repository, createdAtMs, queuedSeenAtMs: createdAtMs }),
          ticketCount,
          lastTicketAtMs: ticketCount === 0 ? null : createdAtMs + SECOND_MS,
          askedAtMs: askedMs === null ? null : START_MS + askedMs,
          isAskPaused,
        };
      }),
  );

export const fleets: fc.Arbitrary<Fleet> = fc
  .record({
    drafts: fc.array(draft, { maxLength: 12 }),
    jobs: waitingJobs,
    scope: fc.constantFrom(...scopes),
    spareRoom: fc.nat(4),
    warmParkedCount: fc.nat(4),
    jobsPerMachine: fc.integer({ min: 1, max: 3 }),
    isMintPaused: seldom,
    isPaused: seldom,
    mode: fc.constantFrom("run", "run", "run", "observe"),
    warmRegisteredCount: fc.nat(3),
    readyTicketCount: fc.nat(3),
  })
  .map(({ drafts, jobs, scope, spareRoom, isMintPaused, isPaused, ...settings }) => {
    const ticketsByMachine = drafts.map((one, index) => ticketsOf(one, index + 1, scope));
    const machines = drafts.map((one, index) => machineOf(one, index + 1, ticketsByMachine[index]!));
    const tickets = ticketsByMachine.flat();
    const heardAtMs = drafts.map(lastHeard);
    const machineCount = machines.filter(countsAsMachine).length;
    const policy = pool({ ...settings, machineCountMax: Math.max(0, machineCount + spareRoom - 1) });
    const demand: DemandInput = {
      jobs,
      tickets: tickets.filter(isTicketLive),
      unnamedRunning: tickets.filter(({ state }) => state.kind === "running"),
      machines: freeMachines(machines, heardAtMs, tickets, policy),
      mintPauses: new Map(
        isMintPaused ? [[scopeKey(registrationScope(policy, "acme/widgets")), "github-unavailable"]] : [],
      ),
      standing: standingWanted(policy, false),
      launchRoom: launchRoom(policy, {
        machineCount,
        isListed: true,
        isPaused,
        isShuttingDown: false,
        isRunnerEnded: false,
      }),
    };
    const providerStates = drafts.map(({ providerState }) => providerState);
    return { pool: policy, machines, tickets, demand, time: heard(NOW_MS), providerStates, heardAtMs };
  });
