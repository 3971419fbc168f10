/** `terminate --force --reason`: the one word that may cost a job, and so names the jobs that it may cost. */
import { decideForce } from "../../../domain/commands.ts";
import type { MachineId } from "../../../domain/ids.ts";
import type { OperatorMark } from "../../../domain/machine.ts";
import { recordEvidence } from "../../../store/evidence/evidence.ts";
import { loadMachine } from "../../../store/machines/load.ts";
import { jobSubject } from "../../../store/subjects.ts";
import { problem } from "../../problem.ts";
import { type MachineCommand, noteOperator, runMachineCommand, voidUnsent } from "./machine-commands.ts";
import { findTicketOut, type MachineFacts, nameJobs, readFacts, tellBars, tellDrain } from "./machine-facts.ts";
import { type CommandOutcome, type CommandSetting, describeMark } from "./setting.ts";

export interface ForceRequest {
  readonly isForced: boolean;
  readonly mark: OperatorMark;
}

export async function terminateMachine(
  setting: CommandSetting,
  id: MachineId,
  { isForced, mark }: ForceRequest,
): Promise<CommandOutcome> {
  if (!isForced || mark.reason === "") return tellInstead(setting, id);
  return runMachineCommand(setting, id, forceCommand(setting, mark));
}

/** Without both flags nothing is written: what a drain would do is told, and what force would cost. */
async function tellInstead({ sources }: CommandSetting, id: MachineId): Promise<Response> {
  const machine = await loadMachine(sources.store.db, id);
  if (machine === null) return problem("not-found", `terminating machine ${id}`);
  const attempted = `terminating machine ${id} of pool ${machine.pool}`;
  if (machine.state.kind === "gone") return problem("machine-gone", attempted);
  const facts = await readFacts(sources.store.db, machine);
  const drain = machine.state.kind === "retiring" ? "It retires already." : tellDrain(facts).join(" ");
  const mend = [
    `\`holdfast drain ${id}\` takes it out without harm: ${drain}`,
    `\`holdfast terminate ${id} --force --reason <text>\` ends it at once. What it costs: ${tellCost(facts)}`,
    ...tellBars(facts),
  ];
  return problem("force-needed", attempted, { mend: mend.join(" ") });
}

/** What the end of the machine costs, as far as it is known. */
function tellCost(facts: MachineFacts): string {
  const jobs = nameJobs(facts);
  if (jobs !== "") return `${jobs}.`;
  const ticket = findTicketOut(facts);
  if (ticket === null) return "no job, since no ticket is out.";
  if (ticket.state.kind === "running") return "the job that runs there, which GitHub has not named yet.";
  return `no job that is known; but its ticket ${ticket.id} is out (${ticket.state.kind}), and GitHub may have given it one.`;
}

function forceCommand({ sources }: CommandSetting, mark: OperatorMark): MachineCommand {
  return {
    name: "terminate",
    mark,
    attempted: "terminating",
    decide: (machine, { isFrozen }) => {
      const mode = sources.pools.find((pool) => pool.name === machine.pool)?.mode ?? "run";
      return decideForce(machine, { mark, isFrozen, mode });
    },
    write: async (tx, facts) => {
      await voidUnsent(tx, facts, "an operator forces the end of its machine", mark.atMs);
      await noteOperator(tx, facts, `end forced ${describeMark(mark)}; what it costs: ${tellCost(facts)}`, mark.atMs);
      const fact = `the end of its machine ${facts.machine.id} is forced ${describeMark(mark)}`;
      for (const { job } of facts.jobs) {
        const subject = jobSubject(job.connection, job.id);
        await recordEvidence(tx, { subject, source: "operator", fact, observedAtMs: mark.atMs });
      }
    },
    tell: (facts) => ({
      result: `The end of machine ${facts.machine.id} of pool ${facts.machine.pool} is forced ${describeMark(facts.machine.forced ?? mark)}.`,
      next: [
        "It is ended whatever runs on it. This is not taken back.",
        `What it costs: ${tellCost(facts)}`,
        `\`holdfast explain ${facts.machine.id}\` tells how far it is.`,
      ],
      undo: null,
    }),
  };
}
