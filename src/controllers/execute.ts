/** Rows that owe a call get it: open launches, tickets to be minted, jobs that GitHub is to be asked about. */
import type { PoolContext } from "./context.ts";
import { askAboutJobs } from "./execute/ask.ts";
import { launchMachines } from "./execute/launch.ts";
import { mintTickets } from "./execute/mint.ts";

export async function execute(context: PoolContext): Promise<void> {
  await Promise.all([launchMachines(context), mintTickets(context), askAboutJobs(context)]);
}
