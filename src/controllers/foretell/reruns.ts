/** Lost jobs of the pool whose next look at GitHub is due: what comes of it, only GitHub can tell. */
import type { PlannedStep } from "../../domain/pass-plan.ts";
import { RERUN_WAITS } from "../../domain/rerun.ts";
import { listDueReruns } from "../../store/reruns/load.ts";
import { jobSubject } from "../../store/subjects.ts";
import { RERUNS_PER_PASS_MAX } from "../connection/rerun.ts";
import type { PoolContext } from "../context.ts";

export async function foretellReruns({
  pool,
  store,
  clock,
  isUnconnected,
}: PoolContext): Promise<readonly PlannedStep[]> {
  if (isUnconnected === true) return [];
  const options = { nowMs: clock.nowMs(), limitCount: RERUNS_PER_PASS_MAX };
  const due = await listDueReruns(store.db, pool.connection, options);
  return due
    .filter((rerun) => rerun.pool === pool.name)
    .map(({ connection, jobId, repository, jobName, state }) => ({
      controller: "rerun",
      action: "ask",
      subject: jobSubject(connection, jobId),
      title: `${repository}, ${jobName}`,
      reason: "rerun-due",
      note: state.kind === "due" ? RERUN_WAITS[state.waitsFor] : null,
      retryAtMs: null,
    }));
}
