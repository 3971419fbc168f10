/** Tickets that bring no job, with real processes: asked back, handed back by the host's fence, and nothing left. */
import { afterEach, describe, expect, it } from "vitest";
import type { MachinesAnswer } from "../../src/http/operators/answers.ts";
import { type House, openHouse, until } from "./house.ts";

const PATIENCE_MS = 90_000;
const TEST_MS = 180_000;

let house: House;
afterEach(() => house.close());

/** Once the provider's word about each of them is in the store. */
async function untilGone(): Promise<MachinesAnswer["machines"]> {
  const isGone = async () => (await all()).every(({ state }) => state === "gone");
  await until(isGone, PATIENCE_MS, () => "a row of a machine that is not there stays open");
  return all();
}

const all = async () => (await house.get<MachinesAnswer>("/api/v1/machines?all=true")).machines;

describe("a runner that comes online for a job that was cancelled", () => {
  it(
    "hands its ticket back, and its machine goes by its host's word",
    async () => {
      house = await openHouse({ deadlines: { idleTicket: "2s" } });
      await house.start();
      const coming = house.github.moments.hold({ name: "session-created", side: "before" });
      const id = house.queue(["true"]);
      await coming.reached;
      house.github.cancelJob(id);
      coming.release();
      await house.untilEmpty(PATIENCE_MS);
      const [machine] = await untilGone();
      expect([machine?.state, machine?.proof, machine?.ticket?.state]).toEqual(["gone", "parked", "handed-back"]);
    },
    TEST_MS,
  );
});

describe("a runner that does not come online", () => {
  it(
    "is given up by its deadline, and its job runs on another machine",
    async () => {
      house = await openHouse({ deadlines: { online: "5s", idleTicket: "5s" }, machines: { max: 2 } });
      await house.start();
      const stuck = house.github.moments.hold({ name: "session-created", side: "before" });
      const id = house.queue(["true"]);
      await stuck.reached;
      expect(await house.untilCompleted([id], PATIENCE_MS)).toEqual(["success"]);
      stuck.release();
      await house.untilEmpty(PATIENCE_MS);
      // Its call may give up and be made again: then it is online late, and idle. Either way its ticket comes back.
      const ends = (await untilGone()).map(({ ticket }) => ticket?.state);
      expect(ends).toContain("handed-back");
      expect(ends).toContain("spent");
    },
    TEST_MS,
  );
});
