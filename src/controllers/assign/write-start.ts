import type { MachineId } from "../../domain/ids.ts";
import { moveMachine } from "../../domain/machine.ts";
import { mayGetTickets } from "../../domain/operator-words.ts";
import { STEP_FACTS } from "../../domain/wait.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject } from "../../store/subjects.ts";

/** Written before the provider is asked, so that the start is repeated until it is answered, after a restart of ours too. */
export async function writeStart(tx: Queryable, id: MachineId, nowMs: number): Promise<void> {
  const machine = await loadMachine(tx, id);
  if (machine?.state.kind !== "stopped" || machine.state.isStarting || !mayGetTickets(machine)) return;
  if (!(await saveMachine(tx, moveMachine(machine, { kind: "start-wanted" }, nowMs), machine.version))) return;
  const fact = STEP_FACTS.toBeStarted;
  await recordEvidence(tx, { subject: machineSubject(id), source: "store", fact, observedAtMs: nowMs });
}
