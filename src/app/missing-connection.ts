/** GitHub for a pool whose connection left the configuration: nothing can be asked, so nothing is known and nothing done. */
import { GitHubError } from "../domain/errors.ts";
import type { ConnectionName } from "../domain/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { GitHub } from "../ports/github.ts";

export function missingConnection(connection: ConnectionName, clock: Pick<Clock, "nowMs">): GitHub {
  const refuse = (attempted: string): Promise<never> =>
    Promise.reject(
      new GitHubError("github-not-connected", `${attempted}, without connection "${connection}" in the configuration`),
    );
  const look = async () => ({ kind: "unknown", code: "github-not-connected", observedAtMs: clock.nowMs() }) as const;
  return {
    mintTicket: ({ runnerName }) => refuse(`asking for ticket ${runnerName}`),
    findRunner: look,
    listRunners: () => refuse("listing runners"),
    deleteRunner: ({ runnerId }) => refuse(`deleting runner ${runnerId}`),
    getJob: look,
    getRun: look,
    rerunJob: (_repository, jobId) => refuse(`asking that the job ${jobId} runs again`),
    listOpenJobs: (repository) => refuse(`listing the open jobs of ${repository}`),
    listRepositories: () => refuse("listing repositories"),
    readDeprecation: look,
  };
}
