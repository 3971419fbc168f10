/** `drain`, `hold` and `release` of one machine. */
import { type CommandDecision, decideDrain, decideHold, decideRelease } from "../../../domain/commands.ts";
import type { MachineId } from "../../../domain/ids.ts";
import { formatInstant } from "../../../domain/instant.ts";
import { invariant } from "../../../domain/invariant.ts";
import type { Machine, OperatorMark } from "../../../domain/machine.ts";
import { deleteDrain, insertDrain } from "../../../store/drains.ts";
import { recordEvidence } from "../../../store/evidence/evidence.ts";
import { loadMachine } from "../../../store/machines/load.ts";
import { saveMachine } from "../../../store/machines/save.ts";
import type { Queryable } from "../../../store/schema.ts";
import { machineSubject } from "../../../store/subjects.ts";
import { voidUnsentTicket } from "../../../store/tickets/void.ts";
import { inTransaction } from "../../../store/transaction.ts";
import { problem } from "../../problem.ts";
import type { CommandAnswer } from "../answers.ts";
import { listJobs, type MachineFacts, readFacts, tellBars, tellDrain, tellWork } from "./machine-facts.ts";
import { type CommandName, type CommandOutcome, type CommandSetting, describeMark, wakeHeeding } from "./setting.ts";

/** One command about one machine: decided, written and told from the rows of one transaction. */
export interface MachineCommand {
  readonly name: CommandName;
  readonly mark: OperatorMark;
  decide(machine: Machine, facts: MachineFacts): CommandDecision;
  /** What is written beside the machine. */
  write(tx: Queryable, facts: MachineFacts): Promise<void>;
  /** For the refusal: "holding machine m-1 of pool linux". */
  readonly attempted: string;
  tell(
    facts: MachineFacts,
    outcome: CommandAnswer["outcome"],
    before: Machine,
  ): Pick<CommandAnswer, "result" | "next" | "undo">;
}

export async function runMachineCommand(
  setting: CommandSetting,
  id: MachineId,
  command: MachineCommand,
): Promise<CommandOutcome> {
  const done = await inTransaction(setting.sources.store, (tx) => write(tx, id, command));
  if (done === null) return problem("not-found", `${command.attempted} machine ${id}`);
  const { decision, before, facts } = done;
  const attempted = `${command.attempted} machine ${id} of pool ${before.pool}`;
  if (decision.kind === "refused") return problem(decision.code, attempted);
  const outcome = decision.kind === "write" ? "written" : "already";
  if (outcome === "written") {
    wakeHeeding(setting, [before.pool]);
    setting.wake.machine(id);
    const { operator, reason } = command.mark;
    setting.telemetry.info("an operator's command was written", {
      command: command.name,
      machine: id,
      operator,
      reason,
    });
  }
  return {
    now: formatInstant(setting.sources.clock.nowMs()),
    command: command.name,
    outcome,
    subject: { kind: "machine", id, pool: before.pool },
    jobs: listJobs(facts),
    ...command.tell(facts, outcome, before),
  };
}

interface Done {
  readonly decision: CommandDecision;
  readonly before: Machine;
  /** As they are afterwards. */
  readonly facts: MachineFacts;
}

async function write(tx: Queryable, id: MachineId, command: MachineCommand): Promise<Done | null> {
  const before = await loadMachine(tx, id);
  if (before === null) return null;
  const facts = await readFacts(tx, before);
  const decision = command.decide(before, facts);
  if (decision.kind !== "write") return { decision, before, facts };
  const isSaved = await saveMachine(tx, decision.machine, before.version);
  invariant(isSaved, `machine ${id} changed inside the transaction that read it`);
  await command.write(tx, { ...facts, machine: decision.machine });
  return { decision, before, facts: await readFacts(tx, decision.machine) };
}

/** A ticket that has not left us is worth nothing on a machine that is to get none: its job gets another elsewhere. */
export async function voidUnsent(tx: Queryable, { tickets }: MachineFacts, why: string, nowMs: number): Promise<void> {
  const unsent = tickets.filter(({ state }) => state.kind === "minting" || state.kind === "issued");
  for (const ticket of unsent) await voidUnsentTicket(tx, ticket, why, nowMs);
}

export async function noteOperator(tx: Queryable, { machine }: MachineFacts, fact: string, atMs: number) {
  await recordEvidence(tx, { subject: machineSubject(machine.id), source: "operator", fact, observedAtMs: atMs });
}

export function holdCommand(mark: OperatorMark): MachineCommand {
  return {
    name: "hold",
    mark,
    attempted: "holding",
    decide: (machine) => decideHold(machine, mark),
    write: async (tx, facts) => {
      await voidUnsent(tx, facts, "an operator holds its machine", mark.atMs);
      await noteOperator(tx, facts, `held ${describeMark(mark)}`, mark.atMs);
    },
    tell: (facts, outcome) => ({
      result: `Machine ${facts.machine.id} of pool ${facts.machine.pool} is held ${describeMark(facts.machine.hold ?? mark)}.`,
      next: [
        "It gets no ticket, and nothing ends it until it is released. It counts in `machines.max`.",
        ...tellWork(facts),
        ...(outcome === "written" && isBeingEnded(facts.machine) ? [MAYBE_TOO_LATE] : []),
        ...tellBars({ ...facts, machine: { ...facts.machine, hold: null } }),
      ],
      undo: `holdfast release ${facts.machine.id}`,
    }),
  };
}

const MAYBE_TOO_LATE =
  "It was about to be ended: if the provider was asked before this was written, it goes all the same.";

function isBeingEnded({ state }: Machine): boolean {
  return state.kind === "retiring" && state.stage === "terminating";
}

export function drainCommand(mark: OperatorMark): MachineCommand {
  return {
    name: "drain",
    mark,
    attempted: "draining",
    decide: decideDrain,
    write: async (tx, facts) => {
      const subject = { kind: "machine", id: facts.machine.id } as const;
      await deleteDrain(tx, subject);
      await insertDrain(tx, subject, mark);
      await voidUnsent(tx, facts, "an operator drained its machine", mark.atMs);
      await noteOperator(tx, facts, `drained ${describeMark(mark)}`, mark.atMs);
    },
    tell: (facts) => {
      const { id, pool, state } = facts.machine;
      if (state.kind === "gone")
        return { result: `Machine ${id} of pool ${pool} is gone already.`, next: [], undo: null };
      if (state.kind === "retiring") {
        const result = `Machine ${id} of pool ${pool} retires already (${state.reason}, ${state.stage}).`;
        return { result, next: [...tellBars(facts)], undo: null };
      }
      return {
        result: `Machine ${id} of pool ${pool} is drained.`,
        next: [...tellDrain(facts), ...tellBars(facts)],
        undo: `holdfast release ${id}`,
      };
    },
  };
}

export function releaseCommand(mark: OperatorMark): MachineCommand {
  return {
    name: "release",
    mark,
    attempted: "releasing",
    decide: decideRelease,
    write: async (tx, facts) => {
      const wasDrained = facts.machine.retireWhenSpent === null;
      if (wasDrained) await deleteDrain(tx, { kind: "machine", id: facts.machine.id });
      await noteOperator(tx, facts, `released ${describeMark(mark)}`, mark.atMs);
    },
    tell: (facts, outcome, before) => ({
      result: tellRelease(facts, outcome, before),
      next: [...tellReleased(facts, outcome), ...tellBars(facts)],
      undo: null,
    }),
  };
}

function tellRelease({ machine }: MachineFacts, outcome: CommandAnswer["outcome"], before: Machine): string {
  const name = `Machine ${machine.id} of pool ${machine.pool}`;
  if (outcome === "already") return `${name} is neither held nor drained.`;
  return before.hold === null ? `${name} is drained no more.` : `${name} is held no more.`;
}

function tellReleased(facts: MachineFacts, outcome: CommandAnswer["outcome"]): readonly string[] {
  const { machine } = facts;
  if (outcome === "already") return [];
  if (machine.state.kind === "retiring") return ["It was to go before it was held, and its ending goes on."];
  if (machine.retireWhenSpent === "drained")
    return [...tellDrain(facts), `It is still drained; once more \`holdfast release ${machine.id}\` ends that.`];
  return machine.forced === null ? ["It gets tickets again, and goes when no job needs it, like any other."] : [];
}
