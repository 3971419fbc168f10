import { describe, expect, it } from "vitest";
import { parseJobId } from "../../../src/domain/ids.ts";
import { isTicketLive, moveTicket, type Ticket } from "../../../src/domain/ticket.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import {
  listLiveTicketsOfPool,
  listTicketsInState,
  listTicketsOfJob,
  listTicketsOfMachine,
  listTicketsOfMachines,
  listTicketsOwingDeletion,
} from "../../../src/store/tickets/list.ts";
import { findTicketByRunnerName, loadTicket } from "../../../src/store/tickets/load.ts";
import { insertTicket, removeStandIn, saveTicket } from "../../../src/store/tickets/save.ts";
import { deleteTicketSecret, loadTicketSecret, storeTicketSecret } from "../../../src/store/tickets/secret.ts";
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

const ids = (tickets: readonly Ticket[]) => tickets.map((ticket) => ticket.id);
const one = sampleTicket(1);

export function describeTickets(open: OpenStore): void {
  describe("tickets", () => {
    const store = useStore(async () => {
      const opened = await open();
      for (const number of [1, 2]) await insertMachine(opened.db, sampleMachine(number));
      return opened;
    });

    it("takes what the domain moved, over the version it was moved from only", async () => {
      await insertTicket(store().db, one);
      const issued = moveTicket(one, { kind: "issued", sinceMs: NOW_MS + 1 });
      expect(await saveTicket(store().db, issued, 1)).toBe(true);
      expect(await saveTicket(store().db, { ...one, version: 2 }, 1)).toBe(false);
      expect(await loadTicket(store().db, one.id)).toEqual(issued);
      expect(await findTicketByRunnerName(store().db, "hf-1")).toEqual(issued);
      await expect(saveTicket(store().db, issued, 2)).rejects.toThrow("moves by one");
      expect(await loadTicket(store().db, sampleTicket(2).id)).toBeNull();
      expect(await findTicketByRunnerName(store().db, "hf-2")).toBeNull();
    });

    it.each(ticketStates.map((state) => [state.kind, state] as const))(
      "a second ticket of the machine beside one that is %s: only where that is not live",
      async (_kind, state) => {
        await insertTicket(store().db, { ...one, state });
        const insert = insertTicket(store().db, sampleTicket(2, { machineId: one.machineId }));
        if (isTicketLive({ ...one, state })) await expect(insert).rejects.toThrow("broken invariant");
        else await insert;
      },
    );

    it.each([
      ["the id", sampleTicket(2, { id: one.id })],
      ["the runner's name", sampleTicket(2, { runnerName: one.runnerName })],
    ])("refuses a second ticket of %s", async (_name, second) => {
      await insertTicket(store().db, one);
      await expect(insertTicket(store().db, second)).rejects.toThrow("broken invariant");
    });

    it("takes no ticket away that a host knows", async () => {
      await insertTicket(store().db, one);
      await expect(removeStandIn(store().db, one)).rejects.toThrow("is one that its host knows");
      expect(await loadTicket(store().db, one.id)).toEqual(one);
    });

    it("refuses a ticket of a machine that is not stored", async () => {
      await expect(insertTicket(store().db, sampleTicket(3))).rejects.toThrow("broken invariant");
    });

    it("keeps the secret apart, until it is deleted", async () => {
      await insertTicket(store().db, one);
      expect(await loadTicketSecret(store().db, one.id)).toBeNull();
      await storeTicketSecret(store().db, one.id, "first");
      await storeTicketSecret(store().db, one.id, "second");
      expect(await loadTicketSecret(store().db, one.id)).toBe("second");
      for (let count = 0; count < 2; count += 1) await deleteTicketSecret(store().db, one.id);
      expect(await loadTicketSecret(store().db, one.id)).toBeNull();
    });
  });
}

export function describeTicketLists(open: OpenStore): void {
  describe("lists of tickets", () => {
    const store = useStore(async () => {
      const opened = await open();
      for (const [index, state] of ticketStates.entries()) {
        await insertMachine(opened.db, sampleMachine(index));
        await insertTicket(opened.db, sampleTicket(index, { state }));
      }
      return opened;
    });
    const indexesOf = (isWanted: (ticket: Ticket) => boolean) =>
      ticketStates.flatMap((state, index) =>
        isWanted(sampleTicket(index, { state })) ? [sampleTicket(index).id] : [],
      );

    it("lists by pool those that are live, and those in given states", async () => {
      expect(ids(await listLiveTicketsOfPool(store().db, pool))).toEqual(indexesOf(isTicketLive));
      expect(await listLiveTicketsOfPool(store().db, otherPool)).toEqual([]);
      const kinds = ["issued", "lost"] as const;
      const inState = indexesOf(({ state }) => kinds.some((kind) => kind === state.kind));
      expect(ids(await listTicketsInState(store().db, pool, kinds))).toEqual(inState);
      expect(await listTicketsInState(store().db, pool, [])).toEqual([]);
    });

    it("lists as owing a deletion those that are over and may be registered", async () => {
      const isOver = (ticket: Ticket) => !isTicketLive(ticket);
      expect(ids(await listTicketsOwingDeletion(store().db, pool))).toEqual(indexesOf(isOver));
      const [first, second, third, ...rest] = await listTicketsOwingDeletion(store().db, pool);
      await saveTicket(store().db, { ...first!, registration: "gone", version: 2 }, 1);
      await saveTicket(store().db, { ...second!, registration: "none", version: 2 }, 1);
      await saveTicket(store().db, { ...third!, registration: "present", version: 2 }, 1);
      expect(ids(await listTicketsOwingDeletion(store().db, pool))).toEqual(ids([third!, ...rest]));
    });

    it("lists every ticket of a machine, of machines and of a job, oldest first", async () => {
      const last = ticketStates.length - 1;
      const again = sampleTicket(99, { machineId: machineIdOf(last), jobId: parseJobId(0) });
      await insertTicket(store().db, again);
      expect(ids(await listTicketsOfMachine(store().db, machineIdOf(last)))).toEqual([sampleTicket(last).id, again.id]);
      const machines = [machineIdOf(last), machineIdOf(0), machineIdOf(77)];
      const ofMachines = await listTicketsOfMachines(store().db, machines);
      expect(ids(ofMachines)).toEqual([sampleTicket(0).id, sampleTicket(last).id, again.id]);
      expect(ids(await listTicketsOfJob(store().db, parseJobId(0), connection))).toEqual([
        sampleTicket(0).id,
        again.id,
      ]);
      expect(await listTicketsOfMachines(store().db, [])).toEqual([]);
    });
  });
}
