import { describe, expect, it } from "vitest";
import { parseJobId } from "../../../src/domain/ids.ts";
import type { Machine, MachineState } from "../../../src/domain/machine.ts";
import type { RetireReason } from "../../../src/domain/reasons.ts";
import type { Ticket, TicketStateKind } from "../../../src/domain/ticket.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { readLaunchOutcomes, readTicketOutcomes, readTicketOutcomesOfJobs } from "../../../src/store/outcomes.ts";
import { insertTicket } from "../../../src/store/tickets/save.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import {
  connection,
  machineIdOf,
  NOW_MS,
  otherPool,
  pool,
  sampleMachine,
  sampleTicket,
  ticketStates,
} from "../samples.ts";

const failed = (number: number) => ({ madeAtMs: NOW_MS + number, failedAtMs: NOW_MS + 100 + number });
const ran = (number: number) => ({ madeAtMs: NOW_MS + number, failedAtMs: null });

export function describeOutcomes(open: OpenStore): void {
  describe("outcomes", () => {
    const store = useStore(open);

    async function addTicket(number: number, kind: TicketStateKind, change: Partial<Ticket> = {}): Promise<void> {
      const sample = ticketStates.find((one) => one.kind === kind);
      const state = { ...sample, kind, sinceMs: NOW_MS + 100 + number } as Ticket["state"];
      await insertMachine(store().db, sampleMachine(number));
      await insertTicket(store().db, sampleTicket(number, { createdAtMs: NOW_MS + number, state, ...change }));
    }

    it("of tickets: the barren ones that were made after the last one that ran a job, and that one", async () => {
      await addTicket(1, "barren");
      await addTicket(2, "spent");
      await addTicket(3, "running");
      await addTicket(4, "barren");
      await addTicket(5, "barren");
      await addTicket(6, "barren", { pool: otherPool });
      expect(await readTicketOutcomes(store().db, pool)).toEqual([ran(3), failed(5), failed(4)]);
      expect(await readTicketOutcomes(store().db, otherPool)).toEqual([failed(6)]);
    });

    it.each(["void", "handed-back", "lost", "online", "delivered", "minting", "issued", "unknown"] as const)(
      "a ticket that is %s is no outcome",
      async (kind) => {
        await addTicket(1, kind);
        expect(await readTicketOutcomes(store().db, pool)).toEqual([]);
        expect(await readTicketOutcomesOfJobs(store().db, connection, [parseJobId(1)])).toEqual(new Map());
      },
    );

    it("of jobs: every ticket of theirs that failed or ran, in whichever pool", async () => {
      const jobId = parseJobId(7);
      await addTicket(1, "barren", { jobId });
      await addTicket(2, "barren", { jobId, pool: otherPool });
      await addTicket(3, "spent", { jobId });
      await addTicket(4, "barren", { jobId: null });
      await addTicket(5, "barren");
      const outcomes = await readTicketOutcomesOfJobs(store().db, connection, [jobId, parseJobId(6)]);
      expect([...outcomes.keys()]).toEqual([jobId]);
      expect(outcomes.get(jobId)).toEqual(expect.arrayContaining([failed(1), failed(2), ran(3)]));
      expect(outcomes.get(jobId)).toHaveLength(3);
      expect(await readTicketOutcomesOfJobs(store().db, connection, [])).toEqual(new Map());
    });

    async function addMachine(number: number, state: Partial<MachineState>, change: Partial<Machine> = {}) {
      const unheard = { isAgentSeen: false, incarnation: null, sequence: 0, report: null } as const;
      const full = { providerId: null, sinceMs: NOW_MS + 100 + number, ...state } as MachineState;
      const machine = { ...sampleMachine(number), ...unheard, createdAtMs: NOW_MS + number, state: full, ...change };
      await insertMachine(store().db, { ...machine, id: machineIdOf(number) });
    }
    const gone = (reason: RetireReason | "never-launched") => ({ kind: "gone", reason }) as const;

    it("of launches: machines that nobody was heard from, made after the last one that somebody was", async () => {
      await addMachine(1, gone("boot-deadline"));
      await addMachine(2, gone("used-up"), { isAgentSeen: true });
      await addMachine(3, gone("boot-deadline"));
      await addMachine(4, gone("machine-dead"));
      await addMachine(5, gone("boot-deadline"), { pool: otherPool });
      await addMachine(6, gone("shutting-down"));
      await addMachine(7, gone("never-launched"));
      await addMachine(8, { kind: "planned" });
      expect(await readLaunchOutcomes(store().db, pool)).toEqual([ran(2), failed(4), failed(3)]);
      expect(await readLaunchOutcomes(store().db, otherPool)).toEqual([failed(5)]);
    });
  });
}
