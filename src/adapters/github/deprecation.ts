import { GitHubError } from "../../domain/errors.ts";
import type { Observation } from "../../domain/observed.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { RunnerDeprecation } from "../../ports/github.ts";
import type { Call } from "./client.ts";
import { readShape } from "./pages.ts";
import { placeOfScope } from "./places.ts";
import type { Session } from "./session.ts";
import { DeprecationShape } from "./shapes-reading.ts";

const VERSION = /^\d{1,6}(\.\d{1,6}){1,3}$/;

/**
 * Until when GitHub takes a version of the runner. `absent`: GitHub does not know the version, or the server is too old to
 * be asked. Never throws: a failed look is `unknown`.
 */
export async function readDeprecation(
  session: Session,
  scope: RegistrationScope,
  version: string,
): Promise<Observation<RunnerDeprecation>> {
  try {
    const value = await look(session, scope, version);
    const observedAtMs = session.clock.nowMs();
    return value === null ? { kind: "absent", observedAtMs } : { kind: "present", value, observedAtMs };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return { kind: "unknown", code: error.code, observedAtMs: session.clock.nowMs() };
  }
}

async function look(session: Session, scope: RegistrationScope, version: string): Promise<RunnerDeprecation | null> {
  const place = placeOfScope(scope);
  if (!VERSION.test(version)) throw new GitHubError("github-invalid", "asking about a runner version that is none");
  const call: Call = {
    operation: "get-deprecation",
    purpose: "question",
    method: "GET",
    path: `${place.path}/actions/runners/deprecations/${version}`,
    attempted: `asking until when the runner version ${version} is taken in ${place.path}`,
  };
  const answer = await session.ask(place.account, call, ({ status }) => status === 200 || status === 404);
  return answer.status === 404 ? null : readShape(answer, call, DeprecationShape);
}
