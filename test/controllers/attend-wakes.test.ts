/** Whom a report's news concerns is told at once, and not with the next pass that comes of itself. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { attend } from "../../src/controllers/attend.ts";
import { listMachinesWithNews } from "../../src/store/machines/news.ts";
import { recordWakes } from "../http/stand-ins.ts";
import { NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
let wake: ReturnType<typeof recordWakes>;

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 1 });
  wake = recordWakes();
});
afterEach(() => yard.close());

async function wokenByAttending(): Promise<readonly string[]> {
  wake.woken.length = 0;
  await attend({ ...yard.context, wake });
  return wake.woken.filter((name) => name.includes("/"));
}

it("is whoever ends machines, and whoever gives jobs their machines where one is free", async () => {
  await yard.queue();
  await yard.pass();
  const agent = yard.agent((await yard.onlyMachine()).id);
  await agent.checkIn();
  await agent.report();
  expect(await wokenByAttending()).toEqual(["retire/linux", "assign/linux"]);
  expect(await wokenByAttending()).toEqual([]);
});

it("is whoever gives jobs their machines where a ticket went on, and not where nothing did", async () => {
  const { agent, ticketId } = await yard.withTicket();
  const online = {
    phase: "engaged",
    ticket: { id: ticketId, step: "online" },
    sighting: { ...NOTHING_SEEN, hasListener: true },
  } as const;
  await agent.report(online);
  expect(await wokenByAttending()).toEqual(["retire/linux", "assign/linux"]);
  await agent.report({ ...online, stillness: { isLeaseOld: false, isWorkerStill: true, areLogsSaved: false } });
  expect(await wokenByAttending()).toEqual(["retire/linux"]);
});

it("is nobody for ever where a presumption has forgotten the report that was news", async () => {
  const { agent } = await yard.withTicket();
  await agent.report({ phase: "engaged" });
  await yard.store.db.updateTable("machines").set({ report: null }).execute();
  await wokenByAttending();
  expect(await listMachinesWithNews(yard.store.db, yard.context.pool.name, 10)).toEqual([]);
});
