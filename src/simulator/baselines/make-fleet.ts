/** Other systems' published algorithms, each written from its description, in the same world as ours. */
import type { Baseline } from "../scenario/scenario.ts";
import type { Fleet, FleetWorld, MakeFleet } from "../world/algorithm.ts";
import { makeAgeCap } from "./age-cap.ts";
import { makeAsgStopOnTerminating } from "./asg-stop-on-terminating.ts";
import { makeDeregisterThenRecheck } from "./deregister-then-recheck.ts";
import { makeFlagThenDeregister } from "./flag-then-deregister.ts";
import { makeIdleConfirmationWindow } from "./idle-confirmation-window.ts";
import { makeLedgerReaper } from "./ledger-reaper.ts";

const FLEETS: Readonly<Record<Baseline, (world: FleetWorld) => Fleet>> = {
  "flag-then-deregister": makeFlagThenDeregister,
  "deregister-then-recheck": makeDeregisterThenRecheck,
  "idle-confirmation-window": makeIdleConfirmationWindow,
  "age-cap": makeAgeCap,
  "ledger-reaper": makeLedgerReaper,
  "asg-stop-on-terminating": makeAsgStopOnTerminating,
};

export const makeFleet: MakeFleet = (baseline, world) => FLEETS[baseline](world);
