/** One instance of a group has one row, whichever of a launch's answer and a listing comes first. */
import { expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { observe } from "../../src/controllers/observe.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import { GroupYard, SERVING } from "./group-yard.ts";

const INSTANCE = parseProviderId("i-00000001");
/** More than what lies between a launch's answer and the row that it is bound to, and than a look at a listing takes. */
const LEAD_MIN = -80;
const LEAD_MAX = 240;
const LEAD_STEP = 3;

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await null;
}

/**
 * A listing that knows of no open launch any more is looked at while the answer is on its way to its row.
 * @param leadCount turns by which the look is ahead of the answer; of a negative count, behind.
 */
async function rowCount(leadCount: number, isNew: boolean): Promise<number> {
  const site = await GroupYard.open();
  const { yard } = site;
  const { context, provider, clock } = yard;
  let looking = Promise.resolve();
  provider.launch = async ({ machines }) => {
    provider.list = async () => [
      {
        providerId: INSTANCE,
        machineId: null,
        launchId: null,
        pool: context.pool.name,
        state: "running",
        observedAtMs: clock.nowMs(),
        membership: SERVING,
        newcomerSinceMs: isNew ? clock.nowMs() : null,
      },
    ];
    looking = turns(-leadCount).then(() => observe(context));
    await turns(leadCount);
    return machines.map(({ machineId }) => ({ machineId, providerId: INSTANCE }));
  };
  try {
    await yard.queue();
    await assign(context);
    await launchMachines(context);
    await looking;
    return (await yard.machines()).filter(({ state }) => state.kind !== "gone").length;
  } finally {
    await site.close();
  }
}

it.each([
  ["that the listing takes for one that the group has just started", true],
  ["of which the listing cannot tell", false],
])("has one row, whenever the listing is looked at: an instance %s", async (_what, isNew) => {
  const counts = new Set<number>();
  for (let leadCount = LEAD_MIN; leadCount <= LEAD_MAX; leadCount += LEAD_STEP)
    counts.add(await rowCount(leadCount, isNew));
  expect([...counts]).toEqual([1]);
});
