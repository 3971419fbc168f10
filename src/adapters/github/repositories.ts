/** Which repositories our credentials reach. */
import { listInstallations } from "./access.ts";
import type { Call } from "./client.ts";
import {
  type Ask,
  asInstallation,
  asToken,
  mapAtATime,
  type PageLimit,
  readArray,
  readCounted,
  withPatience,
} from "./pages.ts";
import { placeOfOwner } from "./places.ts";
import type { Session } from "./session.ts";
import { installationOf, type ListedRepository, RepositoryListShape, RepositoryPageShape } from "./shapes-reading.ts";

/** GitHub lets an account have 100,000 repositories. */
const REPOSITORY_PAGES: PageLimit = { pageCountMax: 1_000, beyond: "fail" };
const CONCURRENT_INSTALLATIONS_MAX = 4;

/**
 * @param owner null for everything: of an App each of its installations, but for suspended ones, which nobody can read.
 * @returns `owner/name` as GitHub writes it, each once; without archived and disabled ones, which run no jobs.
 * @throws {GitHubError}
 */
export async function listRepositories(session: Session, owner: string | null): Promise<readonly string[]> {
  const listed = session.kind === "app" ? await listOfApp(session, owner) : await listOfToken(session, owner);
  const usable = listed.filter(({ archived, disabled }) => archived !== true && disabled !== true);
  return [...new Set(usable.map((repository) => repository.full_name))];
}

async function listOfApp(session: Session, owner: string | null): Promise<readonly ListedRepository[]> {
  const owners = owner === null ? await listInstalledOwners(session) : [owner];
  const lists = await mapAtATime(owners, CONCURRENT_INSTALLATIONS_MAX, async (one) => {
    const ask = withPatience(session, asInstallation(session, placeOfOwner(one).account));
    const call = listing("/installation/repositories", `listing the repositories of the App's installation for ${one}`);
    return await readCounted(ask, call, RepositoryPageShape, (repository) => repository.full_name, REPOSITORY_PAGES);
  });
  return lists.flat();
}

async function listInstalledOwners(session: Session): Promise<readonly string[]> {
  const all = await listInstallations(session, "sweep");
  return all.flatMap((listed) => {
    const installation = installationOf(listed);
    // An installation in an enterprise is for the enterprise's own settings and has no repositories.
    const isUsable = installation !== null && !installation.isSuspended && listed.target_type !== "Enterprise";
    return isUsable ? [installation.account] : [];
  });
}

async function listOfToken(session: Session, owner: string | null): Promise<readonly ListedRepository[]> {
  const ask = withPatience(session, asToken(session));
  const ofOrganization = owner === null ? null : await listOfOrganization(ask, owner);
  if (ofOrganization !== null) return ofOrganization;
  const call = listing("/user/repos", "listing the repositories of the token", {
    affiliation: "owner,collaborator,organization_member",
  });
  const all = await readArray(ask, call, RepositoryListShape, REPOSITORY_PAGES);
  const prefix = owner === null ? "" : `${owner.toLowerCase()}/`;
  return all.filter((repository) => repository.full_name.toLowerCase().startsWith(prefix));
}

class NoOrganization extends Error {}

/** @returns null where there is no organization of this name: it is a user then, whose repositories are listed elsewhere. */
async function listOfOrganization(ask: Ask, owner: string): Promise<readonly ListedRepository[] | null> {
  const call = listing(`${placeOfOwner(owner).path}/repos`, `listing the repositories of ${owner}`, { type: "all" });
  const askOfOrganization: Ask = async (page) => {
    const answer = await ask(page, ({ status }) => status === 200 || status === 404);
    if (answer.status === 404) throw new NoOrganization(page.attempted);
    return answer;
  };
  try {
    return await readArray(askOfOrganization, call, RepositoryListShape, REPOSITORY_PAGES);
  } catch (error) {
    if (error instanceof NoOrganization) return null;
    throw error;
  }
}

function listing(path: string, attempted: string, query: Readonly<Record<string, string>> = {}): Call {
  return {
    operation: "list-repositories",
    purpose: "sweep",
    method: "GET",
    path,
    query,
    isConditional: true,
    attempted,
  };
}
