/**
 * What remained weak in the best published attempt to make a group wait for its jobs (infrahouse/puppet-code #265,
 * terraform-aws-actions-runner 4.2.0), one test each, by the numbers of the catalogue in docs/design/asg.md. Those of the
 * host are in test/agent/group-weaknesses, those of the calls in test/adapters/asg/weaknesses.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { membershipOf } from "../../src/adapters/asg/lifecycle.ts";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { parseMachineId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { connectionName } from "../domain/builders.ts";
import { ROOT } from "../house/temp-tree.ts";
import { GroupYard, MEMBER, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import { NOTHING_SEEN, type Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;
beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

it("2: a member is busy from the moment its ticket leaves, long before a hook in the job could protect it", async () => {
  await site.withTicket();
  site.show(WAITS);
  await yard.pass();
  expect(await site.hold()).toEqual([MEMBER]);
  expect(site.proofs()).toEqual([]);
});

it("3: what is held is held for a job: a host that is lost is let go, and none that leaves gets another job", async () => {
  await site.withJob();
  site.show(WAITS);
  const { jobId, runnerName } = await yard.onlyTicket();
  if (jobId === null) throw new Error("the ticket is for a job");
  await yard.tell(jobId, { status: "in_progress", runnerName });
  await yard.pass();
  await yard.tell(jobId, { status: "completed", conclusion: "failure" });
  for (const [id, runner] of yard.github.runners)
    yard.github.runners.set(id, { ...runner, isOnline: false, isBusy: false });
  await yard.queue(2);
  for (let minute = 0; minute < 60 && site.proofs().length === 0; minute += 1) {
    await watchHosts(yard.context);
    await yard.pass();
    yard.clock.advance(MINUTE_MS);
  }
  expect(site.proofs()[0]).toBe("host-lost");
  expect(await site.hold()).toEqual([]);
});

it("4: three holds may fail before the group goes on, and each failure is followed by another try within seconds", async () => {
  await site.withJob();
  site.show(WAITS);
  await yard.pass();
  await site.hold();
  let heldAgoMs = 0;
  site.group.error = new ProviderError("provider-unavailable", "holding");
  for (; heldAgoMs < (3 * TIMEOUT_MS) / 4; heldAgoMs += TIMEOUT_MS / 8) {
    yard.clock.advance(TIMEOUT_MS / 8);
    await site.hold();
  }
  site.group.error = null;
  yard.clock.advance(5 * SECOND_MS);
  expect(await site.hold()).toEqual([MEMBER]);
  expect(heldAgoMs).toBeLessThan(TIMEOUT_MS);
});

it("6: spot's notice ends the tickets, and a job that dies with its machine is told on the job itself", async () => {
  const { agent } = await site.withJob();
  const { jobId, runnerName } = await yard.onlyTicket();
  if (jobId === null) throw new Error("the ticket is for a job");
  await yard.tell(jobId, { status: "in_progress", runnerName });
  await agent.report({ phase: "leaving", sighting: { kind: "seen", hasListener: true, workerCount: 1 } });
  await yard.pass();
  expect(site.proofs()).toEqual([]);
  yard.provider.machines.clear();
  await yard.pass();
  const told = await listEvidence(yard.store.db, jobSubject(connectionName(), jobId), 20);
  expect(told.map(({ fact }) => fact)).toContainEqual(expect.stringMatching(/^its machine is gone, .* is lost$/));
});

it("7: whoever decides that a member goes, refresh, rebalance, age, health or a person, its job ends first", async () => {
  const { agent, ticketId } = await site.withJob();
  for (const place of ["serving", "reserve"] as const) {
    site.show({ place, departure: "waits" });
    await yard.pass();
    expect(site.proofs()).toEqual([]);
  }
  const ended = [{ id: ticketId, end: { kind: "spent" } }] as const;
  await agent.report({ phase: "leaving", ended: [...ended], sighting: NOTHING_SEEN });
  await yard.pass();
  await agent.report({ phase: "leaving", ended: [...ended], sighting: NOTHING_SEEN });
  await yard.pass();
  expect(site.proofs()).toEqual(["parked"]);
});

it("10: members that leave are no supply: a job that waits has another machine launched for it", async () => {
  await site.parked();
  site.show(WAITS);
  await yard.pass();
  await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).toHaveLength(1);
});

it("12: one member that cannot be held keeps no other from being held", async () => {
  const other = parseMachineId("m-other000000001");
  yard.provider.machines.set(other, { state: "running", machineId: other });
  site.show(WAITS, other, false);
  await site.comes(WAITS, false);
  const hold = site.group.hold.bind(site.group);
  site.group.hold = async (id) => {
    if (id === other) throw new ProviderError("provider-unavailable", "holding");
    return hold(id);
  };
  await site.hold();
  expect([...yard.context.memory.holds.keys()]).toEqual([MEMBER]);
});

it("13: no event has to arrive: what the listing shows is enough, whenever it is read", async () => {
  await site.withJob();
  yard.provider.listError = new ProviderError("provider-unavailable", "listing");
  site.show(WAITS);
  await yard.pass();
  expect(await site.hold()).toEqual([]);
  yard.provider.listError = null;
  await yard.pass();
  expect(await site.hold()).toEqual([MEMBER]);
});

it("14: what is documented of a member's states is what the code makes of them", () => {
  const design = readFileSync(join(ROOT, "docs/design/asg.md"), "utf8");
  const rows = [...design.matchAll(/^\| `(coming|serving|aside|reserve)` \| ([^|]+) \|/gm)];
  expect(rows.map(([, place]) => place)).toEqual(["coming", "serving", "aside", "reserve"]);
  for (const [, place, states = ""] of rows)
    for (const [, state = ""] of states.matchAll(/`([^`]+)`/g))
      expect([state, membershipOf(state.replace(/:?\*$/, (end) => (end === ":*" ? ":Running" : ""))).place]).toEqual([
        state,
        place,
      ]);
});

it("16: a member of the reserve is trimmed at once, in whichever of its states and whether or not it has booted", async () => {
  yard.provider.machines.set(MEMBER, { state: "starting", machineId: MEMBER });
  site.show({ place: "reserve", departure: "waits" }, MEMBER, true);
  await yard.pass();
  await yard.pass();
  expect(site.proofs()).toEqual(["never-engaged"]);
});

it("16: nor does one that has checked in wait for anything but its own word", async () => {
  const agent = await site.comes({ place: "coming", departure: "none" });
  await agent.checkIn();
  await agent.report();
  site.show({ place: "reserve", departure: "waits" });
  await yard.pass();
  await agent.report({ phase: "leaving" });
  await yard.pass();
  expect(site.proofs()).toEqual(["parked"]);
});
