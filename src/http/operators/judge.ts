import type { MachineId } from "../../domain/ids.ts";
import { isTicketLive } from "../../domain/ticket.ts";
import { type JudgedMachine, type JudgedTicket, judgeMachine, type Verdict } from "../../domain/verdict.ts";
import { heardTime, type OperatorSources } from "./sources.ts";

/**
 * The verdict as the controllers come to it, from the same evidence. Null for a machine that is gone.
 * @param tickets of this machine, in any number.
 */
export function judge(
  sources: OperatorSources,
  machine: JudgedMachine & { readonly id: MachineId },
  tickets: readonly JudgedTicket[],
): Verdict | null {
  if (machine.state.kind === "gone") return null;
  const evidence = {
    machine,
    ticket: tickets.find(isTicketLive) ?? null,
    heardAtMs: sources.heardAtMs(machine.id),
    providerState: sources.providerState(machine.id),
  };
  return judgeMachine(evidence, heardTime(sources));
}
