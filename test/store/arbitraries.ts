/** Any job, machine and ticket that the types allow, whether or not the domain would make it. */
import fc from "fast-check";
import {
  parseConnectionName,
  parseIncarnationId,
  parseJobId,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
  parseProviderId,
  parseRunnerId,
  parseTicketId,
} from "../../src/domain/ids.ts";
import type { Job } from "../../src/domain/job.ts";
import { type Machine, type MachineState, RETIRING_STAGES } from "../../src/domain/machine.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import { RETIRE_REASONS } from "../../src/domain/reasons.ts";
import { TICKET_PURPOSES, TICKET_STEPS, type Ticket, type TicketState } from "../../src/domain/ticket.ts";
import type { JobRow } from "../../src/store/jobs/row.ts";

const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const timeMs = fc.nat({ max: 4_000_000_000_000 });
/** Without lone surrogates and the zero byte: texts that every database can hold. */
const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((value) => !value.includes("\0"));
const matching = (pattern: RegExp) => fc.stringMatching(pattern);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });

const connection = matching(/^[a-z0-9]{1,20}$/).map(parseConnectionName);
const pool = matching(/^[a-z0-9]{1,20}$/).map(parsePoolName);
const machineId = matching(/^m-[a-z0-9]{8,32}$/).map(parseMachineId);
const ticketId = matching(/^t-[a-z0-9]{8,32}$/).map(parseTicketId);
const launchId = matching(/^l-[a-z0-9]{8,32}$/).map(parseLaunchId);
const providerId = matching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,40}$/).map(parseProviderId);
const incarnation = matching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,40}$/).map(parseIncarnationId);
const retireReason = fc.constantFrom(...RETIRE_REASONS);

const anyJob: fc.Arbitrary<Job> = fc.record({
  id: whole.map(parseJobId),
  connection,
  repository: text,
  runId: whole,
  runAttempt: whole,
  name: text,
  workflowName: text,
  htmlUrl: text,
  labels: fc.array(text, { maxLength: 4 }),
  status: fc.constantFrom("waiting", "queued", "in_progress", "completed"),
  conclusion: maybe(text),
  runnerId: maybe(whole.map(parseRunnerId)),
  runnerName: maybe(text),
  createdAtMs: timeMs,
  startedAtMs: maybe(timeMs),
  completedAtMs: maybe(timeMs),
  queuedSeenAtMs: maybe(timeMs),
});

export const anyJobRow: fc.Arbitrary<JobRow> = fc.record({
  job: anyJob,
  pool: maybe(pool),
  version: whole,
  ticketCount: whole,
  lastTicketAtMs: maybe(timeMs),
  askedAtMs: maybe(timeMs),
  firstSeenAtMs: timeMs,
  updatedAtMs: timeMs,
});

const anyMachineState: fc.Arbitrary<MachineState> = fc.oneof(
  fc.record({ kind: fc.constant("planned"), sinceMs: timeMs }),
  fc.record({ kind: fc.constantFrom("provisioning", "parked"), providerId, sinceMs: timeMs }),
  fc.record({ kind: fc.constant("engaged"), providerId, ticketId, sinceMs: timeMs }),
  fc.record({
    kind: fc.constant("retiring"),
    providerId,
    stage: fc.constantFrom(...RETIRING_STAGES),
    reason: retireReason,
    heardSequence: whole,
    sinceMs: timeMs,
  }),
  fc.record({
    kind: fc.constant("gone"),
    providerId: maybe(providerId),
    reason: fc.constantFrom(...RETIRE_REASONS, "never-launched" as const),
    sinceMs: timeMs,
  }),
) as fc.Arbitrary<MachineState>;

const anyReport: fc.Arbitrary<HostReport> = fc.record({
  phase: fc.constantFrom("starting", "preparing", "parked", "engaged", "leaving"),
  ticket: maybe(fc.record({ id: ticketId, step: fc.constantFrom(...TICKET_STEPS) })),
  ended: fc.array(
    fc.record({
      id: ticketId,
      end: fc.oneof(
        fc.record({ kind: fc.constantFrom("spent" as const, "handed-back" as const) }),
        fc.record({ kind: fc.constant("barren" as const), reason: text }),
      ),
    }),
    { maxLength: 3 },
  ),
  sighting: fc.oneof(
    fc.record({ kind: fc.constant("seen" as const), hasListener: fc.boolean(), workerCount: whole }),
    fc.record({ kind: fc.constant("unknown" as const), why: text }),
  ),
  fence: maybe(fc.record({ ticketId, attempt: whole, why: text })),
  stillness: maybe(fc.record({ isLeaseOld: fc.boolean(), isWorkerStill: fc.boolean(), areLogsSaved: fc.boolean() })),
});

const mark = fc.record({ operator: text, reason: text, atMs: timeMs });

export const anyMachine: fc.Arbitrary<Machine> = fc.record({
  id: machineId,
  pool,
  launchId,
  origin: fc.constantFrom("launched", "adopted", "restored"),
  state: anyMachineState,
  version: whole,
  settingsHash: text,
  foundBySettings: maybe(fc.array(text)),
  ticketsGiven: whole,
  isAgentSeen: fc.boolean(),
  incarnation: maybe(incarnation),
  sequence: whole,
  report: maybe(anyReport),
  retireWhenSpent: maybe(retireReason),
  hold: maybe(mark),
  forced: maybe(mark),
  createdAtMs: timeMs,
});

const anyTicketState: fc.Arbitrary<TicketState> = fc.oneof(
  fc.record({
    kind: fc.constant("handing-back"),
    sinceMs: timeMs,
    reason: maybe(fc.constantFrom("runner-late", "idle-ticket", "deaf-listener", "listener-old", "draining")),
  }),
  fc.record({
    kind: fc.constantFrom(
      ...(["minting", "issued", "delivered", "online", "running", "spent"] as const),
      ...(["handed-back", "lost", "unknown"] as const),
    ),
    sinceMs: timeMs,
  }),
  fc.record({ kind: fc.constantFrom("barren" as const, "void" as const), sinceMs: timeMs, reason: text }),
);

export const anyTicket: fc.Arbitrary<Ticket> = fc.record({
  id: ticketId,
  pool,
  connection,
  scope: fc.oneof(
    fc.record({ kind: fc.constant("organization" as const), organization: text }),
    fc.record({ kind: fc.constant("repository" as const), owner: text, repository: text }),
    fc.record({ kind: fc.constant("enterprise" as const), enterprise: text }),
  ),
  machineId,
  purpose: fc.constantFrom(...TICKET_PURPOSES),
  jobId: maybe(whole.map(parseJobId)),
  aimedAtMs: maybe(timeMs),
  runnerName: text,
  runnerId: maybe(whole.map(parseRunnerId)),
  registration: fc.constantFrom("none", "unknown", "present", "gone"),
  wasOnline: fc.boolean(),
  deliveredTo: maybe(incarnation),
  state: anyTicketState,
  version: whole,
  createdAtMs: timeMs,
});
