import type { Repository } from "./places.ts";
import { isAmong } from "./repositories.ts";
import type { GitHubState } from "./state.ts";

/** What GitHub nests into every payload about who and where: organization, sender, repository, installation. */
export type Json = { readonly [key: string]: unknown };

const FIRST_ACCOUNT_ID = 9_919_001;
const ACCOUNT_ID_SPAN = 1_000_003;
const ENTERPRISE_ID = 3_301;
const SENDER = { login: "octocat", id: 583_231, type: "User" } as const;

/** The same for the same name, and another for nearly every other. */
function accountId(login: string): number {
  let folded = 0;
  for (const letter of login.toLowerCase()) {
    folded = (folded * 31 + (letter.codePointAt(0) ?? 0)) % ACCOUNT_ID_SPAN;
  }
  return FIRST_ACCOUNT_ID + folded;
}

export function renderOwner(
  state: GitHubState,
  login: string,
  type: "Organization" | "User" = isAmong(state.options.users, login) ? "User" : "Organization",
): Json {
  const id = login === SENDER.login ? SENDER.id : accountId(login);
  const url = `${state.apiUrl}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId(type === "User" ? "U" : "O", id),
    avatar_url: `${state.webUrl}/avatars/u/${id}?v=4`,
    gravatar_id: "",
    url,
    html_url: `${state.webUrl}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  };
}

export function renderSender(state: GitHubState): Json {
  return renderOwner(state, SENDER.login, SENDER.type);
}

export function renderOrganization(state: GitHubState, login: string): Json {
  const url = `${state.apiUrl}/orgs/${login}`;
  const id = accountId(login);
  return {
    login,
    id,
    node_id: nodeId("O", id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${state.webUrl}/avatars/u/${id}?v=4`,
    description: "",
  };
}

/** The templates below a repository's own URL, by the key that GitHub gives them. */
const REPOSITORY_URLS: readonly (readonly [key: string, path: string])[] = [
  ["forks_url", "/forks"],
  ["keys_url", "/keys{/key_id}"],
  ["collaborators_url", "/collaborators{/collaborator}"],
  ["teams_url", "/teams"],
  ["hooks_url", "/hooks"],
  ["issue_events_url", "/issues/events{/number}"],
  ["events_url", "/events"],
  ["assignees_url", "/assignees{/user}"],
  ["branches_url", "/branches{/branch}"],
  ["tags_url", "/tags"],
  ["blobs_url", "/git/blobs{/sha}"],
  ["git_tags_url", "/git/tags{/sha}"],
  ["git_refs_url", "/git/refs{/sha}"],
  ["trees_url", "/git/trees{/sha}"],
  ["statuses_url", "/statuses/{sha}"],
  ["languages_url", "/languages"],
  ["stargazers_url", "/stargazers"],
  ["contributors_url", "/contributors"],
  ["subscribers_url", "/subscribers"],
  ["subscription_url", "/subscription"],
  ["commits_url", "/commits{/sha}"],
  ["git_commits_url", "/git/commits{/sha}"],
  ["comments_url", "/comments{/number}"],
  ["issue_comment_url", "/issues/comments{/number}"],
  ["contents_url", "/contents/{+path}"],
  ["compare_url", "/compare/{base}...{head}"],
  ["merges_url", "/merges"],
  ["archive_url", "/{archive_format}{/ref}"],
  ["downloads_url", "/downloads"],
  ["issues_url", "/issues{/number}"],
  ["pulls_url", "/pulls{/number}"],
  ["milestones_url", "/milestones{/number}"],
  ["notifications_url", "/notifications{?since,all,participating}"],
  ["labels_url", "/labels{/name}"],
  ["releases_url", "/releases{/id}"],
  ["deployments_url", "/deployments"],
];

const REPOSITORY_CREATED = "2021-06-11T13:29:13Z";

export function renderRepository(state: GitHubState, repository: Repository): Json {
  const url = `${state.apiUrl}/repos/${repository.fullName}`;
  const htmlUrl = `${state.webUrl}/${repository.fullName}`;
  const host = state.webUrl.replace(/^https?:\/\//, "");
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: repository.fullName,
    private: !repository.isPublic,
    owner: renderOwner(state, repository.owner),
    html_url: htmlUrl,
    description: `Everything about ${repository.name}`,
    fork: false,
    url,
    ...Object.fromEntries(REPOSITORY_URLS.map(([key, path]) => [key, url + path])),
    created_at: REPOSITORY_CREATED,
    updated_at: REPOSITORY_CREATED,
    pushed_at: REPOSITORY_CREATED,
    git_url: `git://${host}/${repository.fullName}.git`,
    ssh_url: `git@${host}:${repository.fullName}.git`,
    clone_url: `${htmlUrl}.git`,
    svn_url: htmlUrl,
    homepage: null,
    size: 1,
    stargazers_count: 0,
    watchers_count: 0,
    language: "TypeScript",
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: repository.isArchived,
    disabled: repository.isDisabled,
    open_issues_count: 0,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    visibility: repository.isPublic ? "public" : "private",
    forks: 0,
    open_issues: 0,
    watchers: 0,
    default_branch: "main",
    custom_properties: {},
  };
}

export function renderEnterprise(state: GitHubState, slug: string): Json {
  return {
    id: ENTERPRISE_ID,
    slug,
    name: slug,
    node_id: nodeId("E", ENTERPRISE_ID),
    avatar_url: `${state.webUrl}/avatars/b/${ENTERPRISE_ID}?v=4`,
    description: null,
    website_url: null,
    html_url: `${state.webUrl}/enterprises/${slug}`,
    created_at: REPOSITORY_CREATED,
    updated_at: REPOSITORY_CREATED,
  };
}

export function renderInstallationReference(installationId: number): Json {
  return { id: installationId, node_id: nodeId("MDIz", installationId) };
}

export function nodeId(prefix: string, id: number): string {
  return `${prefix}_${btoa(String(id)).replaceAll("=", "")}`;
}
