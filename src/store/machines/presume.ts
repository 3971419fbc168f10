/** Writes that a machine may hold a ticket of which its row knew nothing. */

import { type Presumed, presumeOut } from "../../domain/adoption.ts";
import { ALARM_FACTS } from "../../domain/alarm-facts.ts";
import { invariant } from "../../domain/invariant.ts";
import type { Machine } from "../../domain/machine.ts";
import { recordEvidence } from "../evidence/evidence.ts";
import type { Queryable } from "../schema.ts";
import { machineSubject } from "../subjects.ts";
import { listTicketsOfMachine } from "../tickets/list.ts";
import { insertTicket, saveTicket } from "../tickets/save.ts";
import { saveMachine } from "./save.ts";

/** @param machine as read in the same transaction. @param why a sentence for a person. */
export async function savePresumed(
  tx: Queryable,
  machine: Machine,
  presumption: { readonly origin: "adopted" | "restored"; readonly why: string; readonly nowMs: number },
): Promise<void> {
  const { origin, why, nowMs } = presumption;
  const presumed: Presumed = presumeOut(machine, await listTicketsOfMachine(tx, machine.id), origin, nowMs);
  if (presumed.machine === machine) return;
  if (presumed.standIn !== null) await insertTicket(tx, presumed.standIn);
  const isSaved =
    (presumed.ticket === null || (await saveTicket(tx, presumed.ticket, presumed.ticket.version - 1))) &&
    (await saveMachine(tx, presumed.machine, machine.version));
  invariant(isSaved, `machine ${machine.id} changed inside the transaction that read it`);
  const fact = `presumed to hold a ticket: ${why}`;
  await recordEvidence(tx, { subject: machineSubject(machine.id), source: "store", fact, observedAtMs: nowMs });
}

/** It gets no more tickets and goes once it holds none. @returns false where that was so before, or it goes already. */
export async function saveQuarantine(tx: Queryable, machine: Machine, why: string, nowMs: number): Promise<boolean> {
  const { kind } = machine.state;
  if (kind === "retiring" || kind === "gone" || machine.retireWhenSpent === "quarantined") return false;
  const after: Machine = { ...machine, retireWhenSpent: "quarantined", version: machine.version + 1 };
  const isSaved = await saveMachine(tx, after, machine.version);
  invariant(isSaved, `machine ${machine.id} changed inside the transaction that read it`);
  const fact = `${ALARM_FACTS.quarantined} ${why}`;
  await recordEvidence(tx, { subject: machineSubject(machine.id), source: "store", fact, observedAtMs: nowMs });
  return true;
}
