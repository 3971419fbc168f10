/**
 * What a machine wrote to its console is all there is to tell why it never checked in, and where the console lasts, why it
 * ends otherwise than by its host's own word. It is read once, before the machine ends, and kept with the lines that other
 * machines' agents send. What fails here holds up no ending.
 */
import { ProviderError } from "../../domain/errors.ts";
import { type Machine, providerIdOf } from "../../domain/machine.ts";
import type { MachineProof } from "../../domain/permit.ts";
import { saveLogs } from "../../store/logs/logs.ts";
import type { PoolContext } from "../context.ts";

export async function keepConsole(context: PoolContext, machine: Machine, proof: MachineProof["kind"]): Promise<void> {
  const { abilities, memory, store, clock, telemetry } = context;
  const providerId = providerIdOf(machine);
  if (abilities === undefined || abilities.consoles === null || providerId === null) return;
  const isWanted = proof === "never-engaged" || (proof !== "parked" && abilities.consoles.isLasting);
  if (!isWanted || memory.consolesRead.has(machine.id)) return;
  memory.consolesRead.add(machine.id);
  try {
    const lines = await abilities.consoles.readConsole(providerId);
    if (lines === null) return;
    const logs = [{ name: "console", lines }];
    await saveLogs(store.db, { machineId: machine.id, ticketId: null, logs, savedAtMs: clock.nowMs() });
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    telemetry.error("the console of a machine that ends could not be read", error, {
      pool: machine.pool,
      machine: machine.id,
    });
  }
}
