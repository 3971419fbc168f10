/**
 * Why a job waits or where it ran, why a machine was kept and why it was ended: told from the rows, the evidence and the
 * decisions that are stored about it. Pure; what is not stored is not told.
 */
import type { DecisionRecord, Evidence, SubjectKind } from "./evidence.ts";
import type { PoolName } from "./ids.ts";
import type { Job } from "./job.ts";
import { type Machine, providerIdOf } from "./machine.ts";
import { barsToEnding } from "./operator-words.ts";
import type { ProofKind } from "./permit.ts";
import { describeRerun, type Rerun } from "./rerun.ts";
import { isTicketLive, type Ticket } from "./ticket.ts";
import { type Because, because, type Records, type Timeline, tellTimeline } from "./timeline.ts";
import type { Verdict } from "./verdict.ts";

/** What is so now, in a word for programs and in sentences for people. */
export interface Finding {
  readonly kind: string;
  readonly sentences: readonly string[];
}

export interface Told<ExplainedSubject> extends Timeline {
  readonly subject: ExplainedSubject;
  readonly verdict: Finding;
  /** What has to happen before it goes on; null where nothing has to, or nothing is decided yet. */
  readonly waitingFor: Because | null;
}

export interface JobSubject {
  readonly kind: "job";
  readonly id: string;
  readonly name: string;
  readonly repository: string;
  readonly pool: string | null;
  readonly url: string;
  readonly machineId: string | null;
  readonly runnerName: string | null;
}

export interface MachineSubject {
  readonly kind: "machine";
  readonly id: string;
  readonly name: string;
  readonly pool: string;
  readonly state: string;
  readonly providerId: string | null;
  readonly runnerNames: readonly string[];
}

export type JobExplanation = Told<JobSubject>;
export type MachineExplanation = Told<MachineSubject>;

export interface JobStory {
  readonly job: Job;
  readonly pool: PoolName | null;
  /** The tickets made for it, and the one that it runs or ran with. */
  readonly tickets: readonly Ticket[];
  /** If it, or another attempt of it, went down with its machine and was to run again. */
  readonly rerun: Rerun | null;
  readonly records: Records;
}

export interface MachineStory {
  readonly machine: Machine;
  /** Every ticket it ever had. */
  readonly tickets: readonly Ticket[];
  /** Null for one that is gone. */
  readonly verdict: Verdict | null;
  readonly records: Records;
  readonly nowMs: number;
  readonly isFrozen?: boolean;
}

export function explainJob(story: JobStory): JobExplanation {
  const { job, pool, tickets, records } = story;
  const runner = tickets.find((ticket) => ticket.runnerName === job.runnerName) ?? null;
  return {
    subject: {
      kind: "job",
      id: String(job.id),
      name: job.workflowName === "" ? job.name : `${job.workflowName} / ${job.name}`,
      repository: job.repository,
      pool,
      url: job.htmlUrl,
      machineId: runner?.machineId ?? null,
      runnerName: job.runnerName,
    },
    verdict: { kind: job.status, sentences: [...describeJob(story, runner), ...tellRerun(story)] },
    waitingFor: whyJobWaits(job, pool, latestDecision(records, "job")),
    ...tellTimeline(records),
  };
}

function describeJob({ job, pool, tickets }: JobStory, runner: Ticket | null): readonly string[] {
  const place = runner === null ? describeForeignRunner(job) : `on machine ${runner.machineId}`;
  switch (job.status) {
    case "waiting":
      return ["It waits at GitHub and is not queued yet."];
    case "queued":
      return [
        pool === null ? "It is queued, and no pool takes it." : `It is queued for pool ${pool}.`,
        ...tickets.filter(isTicketLive).map(describeTicket),
      ];
    case "in_progress":
      return [`It runs ${place ?? "on a runner that GitHub has not named"}.`];
    case "completed": {
      const end = `It ended: ${job.conclusion ?? "GitHub named no conclusion"}`;
      const isLost = runner?.state.kind === "lost";
      const sentence = place === null ? `${end}. No runner took it.` : `${end}, ${place}.`;
      return isLost ? [sentence, "Its machine was lost while the ticket was out."] : [sentence];
    }
  }
}

function tellRerun({ job, rerun }: JobStory): readonly string[] {
  return rerun === null ? [] : [describeRerun(rerun, job)];
}

function describeForeignRunner(job: Job): string | null {
  return job.runnerName === null || job.runnerName === ""
    ? null
    : `on the runner ${job.runnerName}, which this Holdfast does not know`;
}

function describeTicket(ticket: Ticket): string {
  return `Ticket ${ticket.id} for it is ${ticket.state.kind}, on machine ${ticket.machineId}.`;
}

/** @param latest the newest decision about the job. */
export function whyJobWaits(job: Job, pool: PoolName | null, latest: DecisionRecord | null): Because | null {
  if (job.status === "waiting") return because("waits-for-approval");
  if (job.status !== "queued") return null;
  if (latest !== null) return because(latest.reason);
  return pool === null ? because("no-pool") : null;
}

export function explainMachine(story: MachineStory): MachineExplanation {
  const { machine, tickets, records } = story;
  const { state } = machine;
  return {
    subject: {
      kind: "machine",
      id: machine.id,
      name: machine.id,
      pool: machine.pool,
      state: state.kind === "retiring" ? `retiring (${state.stage})` : state.kind,
      providerId: providerIdOf(machine),
      runnerNames: tickets.map((ticket) => ticket.runnerName),
    },
    verdict: describeMachine(machine, story.verdict, records.evidence),
    waitingFor: whyMachineStays(machine, latestDecision(records, "machine"), story),
    ...tellTimeline(records),
  };
}

/** @param evidence of the machine, where its end is to be told with the proof that permitted it. */
export function describeMachine(machine: Machine, verdict: Verdict | null, evidence: readonly Evidence[]): Finding {
  const { state } = machine;
  if (state.kind === "gone") {
    if (state.reason === "never-launched") return { kind: "gone", sentences: ["The provider started nothing for it."] };
    const proof = findProof(evidence);
    const permitted = proof === null ? [] : [`Its end was permitted by the proof ${proof}: ${PROOFS[proof]}`];
    return { kind: "gone", sentences: [`It retired: ${because(state.reason).sentence}`, ...permitted] };
  }
  const retiring = state.kind === "retiring" ? [`It retires: ${because(state.reason).sentence}`] : [];
  if (verdict === null) return { kind: "unknown", sentences: retiring };
  return { kind: verdict.kind, sentences: [...retiring, ...describeVerdict(verdict)] };
}

function describeVerdict(verdict: Verdict): readonly string[] {
  switch (verdict.kind) {
    case "busy":
      return verdict.reasons.map((reason) => because(reason).sentence);
    case "idle":
      return [PROOFS[verdict.proof]];
    case "unknown":
      return verdict.missing.map((reason) => because(reason).sentence);
  }
}

/** What each proof says, for a person. */
export const PROOFS: Readonly<Record<ProofKind, string>> = {
  "never-engaged": "No ticket ever left us for it, and nobody has ever reported as it.",
  parked: "It holds no ticket, and its agent says so: no job can come to it.",
  "provider-dead": "The provider says that nothing runs there any more.",
  "host-lost": "Its host was silent for long, and nothing that GitHub said spoke for a job there.",
  "job-terminal": "Its jobs were long over, and nothing on its host had moved since.",
  forced: "An operator forced it, by name and with a reason, or a limit was past.",
  "unknown-registration": "Nobody knows its ticket, and it was offline in every reading of a day.",
  "ticket-over": "The ticket of the registration is over.",
};

/** The proof by which its end was last permitted, from what the controller noted at the call; null if it noted none. */
export function findProof(evidence: readonly Evidence[]): ProofKind | null {
  const noted = evidence
    .filter(({ source, subject }) => source === "controller" && subject.kind === "machine")
    .sort((a, b) => b.observedAtMs - a.observedAtMs)
    .map(({ fact }) => /\bproof ([a-z-]+)/.exec(fact)?.[1] ?? "");
  return noted.find((proof): proof is ProofKind => Object.hasOwn(PROOFS, proof)) ?? null;
}

/**
 * Why it is kept, or what its ending waits for.
 * @param latest the newest decision about the machine.
 * @param isFrozen whether an operator stops all endings in its pool.
 */
export function whyMachineStays(
  machine: Machine,
  latest: DecisionRecord | null,
  { nowMs, isFrozen = false }: Pick<MachineStory, "nowMs" | "isFrozen">,
): Because | null {
  const { state } = machine;
  switch (state.kind) {
    case "gone":
      return null;
    case "planned":
      return because("being-launched");
    case "retiring": {
      const [bar] = barsToEnding(machine, isFrozen);
      if (bar !== undefined) return because(bar);
      if (state.stage === "confirming" || state.stage === "terminating") return because(state.stage);
      return latest?.action === "wait" ? because(latest.reason) : null;
    }
    case "provisioning":
    case "parked":
    case "engaged":
    case "stopping":
    case "stopped":
      // One from before the machine came to this state speaks of another; the next pass makes a new one. Of a state from
      // the future nobody can tell what was before it: somebody set the clock back since.
      return latest === null || (latest.confirmedAtMs < state.sinceMs && state.sinceMs <= nowMs)
        ? null
        : because(latest.reason);
  }
}

function latestDecision(records: Records, kind: SubjectKind): DecisionRecord | null {
  return records.decisions.find(({ subject }) => subject.kind === kind) ?? null;
}
