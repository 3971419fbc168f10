/** Who we are at GitHub: the App with its installations, or the token's user. Only reads. */

import type { CallPurpose } from "../../domain/budget.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { Access, GitHubAccess, RunnerGroupAccess } from "../../ports/github-access.ts";
import type { Call } from "./client.ts";
import { asApp, asInstallation, asToken, type PageLimit, readArray, readCounted, readShape } from "./pages.ts";
import { placeOfScope } from "./places.ts";
import type { Session } from "./session.ts";
import {
  AppShape,
  InstallationListShape,
  installationOf,
  type ListedInstallation,
  RunnerGroupAccessPageShape,
  UserShape,
} from "./shapes-reading.ts";

/** An App is installed at most once in an account; this is 20,000 accounts. */
const INSTALLATION_PAGES: PageLimit = { pageCountMax: 200, beyond: "fail" };

/** GitHub lets an organization have 1,000 runner groups; this is ten times as many. */
const GROUP_PAGES: PageLimit = { pageCountMax: 100, beyond: "fail" };

export function createAccess(session: Session): GitHubAccess {
  return {
    describe: () => (session.kind === "app" ? describeApp(session) : describeToken(session)),
    listRunnerGroups: (scope) => listRunnerGroups(session, scope),
    clockDifferenceMs: () => session.clockDifferenceMs(),
  };
}

async function describeApp(session: Session): Promise<Access> {
  const call = reading("get-app", "/app", "reading the App's own description");
  const app = readShape(await asApp(session)(call), call, AppShape);
  const listed = await listInstallations(session, "question");
  return { kind: "app", ...app, installations: listed.map(installationOf).filter((one) => one !== null) };
}

export async function listInstallations(
  session: Session,
  purpose: CallPurpose,
): Promise<readonly ListedInstallation[]> {
  const call = reading("list-installations", "/app/installations", "listing the App's installations");
  return await readArray(asApp(session), { ...call, purpose }, InstallationListShape, INSTALLATION_PAGES);
}

async function describeToken(session: Session): Promise<Access> {
  const call = reading("get-user", "/user", "reading whose token it is");
  const answer = await asToken(session)(call);
  const { login } = readShape(answer, call, UserShape);
  // Only a classic token has scopes; a fine-grained one has permissions, which GitHub does not tell.
  const scopes = answer.headers.get("x-oauth-scopes");
  return { kind: "token", login, scopes: scopes === null ? null : splitScopes(scopes) };
}

function splitScopes(header: string): readonly string[] {
  return header
    .split(",")
    .map((scope) => scope.trim())
    .filter((scope) => scope !== "");
}

async function listRunnerGroups(session: Session, scope: RegistrationScope): Promise<readonly RunnerGroupAccess[]> {
  if (scope.kind === "repository") return [];
  const { path, account } = placeOfScope(scope);
  const call = reading("list-runner-groups", `${path}/actions/runner-groups`, `listing the runner groups of ${path}`);
  const ask = asInstallation(session, account);
  return await readCounted(ask, call, RunnerGroupAccessPageShape, (group) => group.name, GROUP_PAGES);
}

function reading(operation: string, path: string, attempted: string): Call {
  return { operation, purpose: "question", method: "GET", path, attempted };
}
