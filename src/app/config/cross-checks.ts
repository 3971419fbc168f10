/** What is right in itself and wrong together. */
import { isLoopback, isWildcard, parseListenAddress } from "./addresses.ts";
import { checkGroups } from "./check-asg.ts";
import { checkProvider } from "./check-provider.ts";
import type { Draft, DraftPool } from "./draft.ts";
import { nearestOf } from "./issues.ts";
import type { ProblemList } from "./problems.ts";
import { LISTEN_DEFAULT } from "./schema.ts";

export function checkTogether(draft: Draft, problems: ProblemList): void {
  checkUrls(draft, problems);
  checkNames("operators", draft.operators ?? [], problems);
  checkAnonymous(draft, problems);
  checkPools("pools", draft, problems);
}

/** @param path of the list of pools. */
export function checkPools(path: string, draft: Pick<Draft, "pools" | "github">, problems: ProblemList): void {
  checkNames(path, draft.pools ?? [], problems);
  checkGroups(path, draft.pools, problems);
  for (const [index, pool] of (draft.pools ?? []).entries()) {
    if (pool !== undefined) checkPool(`${path}[${index}]`, pool, draft, problems);
  }
}

function checkUrls(draft: Draft, problems: ProblemList): void {
  if (draft.urls !== undefined) return;
  const { listen = LISTEN_DEFAULT } = draft;
  const mend = "add it, as in `urls: https://holdfast.acme.com`";
  if (typeof listen === "object") problems.add("urls", "is missing, and `listen` has several addresses", mend);
  const address = typeof listen === "string" ? parseListenAddress(listen) : null;
  if (address !== null && isWildcard(address.host))
    problems.add("urls", "is missing, and nobody can call a wildcard address", mend);
}

function checkNames(
  block: string,
  entries: readonly ({ readonly name?: string | undefined } | undefined)[],
  problems: ProblemList,
): void {
  const seen = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const name = entry?.name;
    if (name === undefined) continue;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    else problems.add(`${block}[${index}].name`, `is the name of ${block}[${first}] too`, "give each its own name");
  }
}

function checkAnonymous(draft: Draft, problems: ProblemList): void {
  const { listen = LISTEN_DEFAULT } = draft;
  const address = parseListenAddress(typeof listen === "string" ? listen : (listen.operators ?? LISTEN_DEFAULT));
  const isPrivate = address !== null && isLoopback(address.host);
  let first: number | null = null;
  for (const [index, operator] of (draft.operators ?? []).entries()) {
    if (operator?.anonymous !== true) continue;
    const path = `operators[${index}].anonymous`;
    if (operator.role === "operator" && address !== null && !isPrivate)
      problems.add(
        path,
        "lets strangers end machines",
        "use `role: reader`, or let `listen.operators` be on 127.0.0.1",
      );
    if (operator.tokenFile !== undefined)
      problems.add(path, "an operator is anonymous or has a token", "remove `anonymous` or `tokenFile`");
    if (first !== null) problems.add(path, `operators[${first}] is anonymous already`, "let one be anonymous at most");
    else first = index;
  }
}

export function checkPool(path: string, pool: DraftPool, draft: Pick<Draft, "github">, problems: ProblemList): void {
  checkConnectionOf(path, pool, draft, problems);
  checkScope(path, pool, problems);
  checkLabels(path, pool, problems);
  checkRerun(path, pool, problems);
  checkWarm(path, pool, problems);
  checkProvider(path, pool, problems);
}

function checkWarm(path: string, pool: DraftPool, problems: ProblemList): void {
  const max = pool.machines?.max;
  const { parked = 0, registered = 0, stopped = 0 } = pool.warm ?? {};
  const ready = pool.tickets?.ready ?? 0;
  if (max !== undefined && max >= 0 && parked > max)
    problems.add(`${path}.warm.parked`, "is more than `machines.max`", `at most ${max}, or raise \`machines.max\``);
  else if (max !== undefined && registered > 0 && parked + registered > max) {
    const mend = `at most ${max - parked}, or raise \`machines.max\``;
    problems.add(`${path}.warm.registered`, "is with `warm.parked` more than `machines.max`", mend);
  }
  checkStopped(path, pool, { stopped, others: parked + registered }, problems);
  if (!hasKnownPlace(pool)) {
    const mend = "remove it, or use `scope: { organization: … }` or exactly one `owner/name`";
    const problem = "needs one place to register in before a job tells it, and the pool's scope names several";
    if (registered > 0) problems.add(`${path}.warm.registered`, problem, mend);
    if (ready > 0) problems.add(`${path}.tickets.ready`, problem, mend);
  }
  if (ready <= parked) return;
  const mend = `at most ${parked}, or raise \`warm.parked\``;
  problems.add(`${path}.tickets.ready`, "is more than `warm.parked`, and a ticket is made for a parked machine", mend);
}

function checkStopped(
  path: string,
  { machines, provider }: DraftPool,
  { stopped, others }: { readonly stopped: number; readonly others: number },
  problems: ProblemList,
): void {
  if (stopped <= 0) return;
  const max = machines?.max;
  const key = `${path}.warm.stopped`;
  if (provider?.kind !== undefined && provider.kind !== "ec2") {
    const mend =
      provider.kind === "asg" ? "remove it: a group has a warm pool of its own" : "remove it, or use `kind: ec2`";
    problems.add(key, "needs a provider that can stop a machine and start it again", mend);
    return;
  }
  if (max !== undefined && max >= 0 && others + stopped > max) {
    const mend = `at most ${Math.max(0, max - others)}, or raise \`machines.max\``;
    problems.add(key, "is with the other warm machines more than `machines.max`", mend);
  }
  // EC2 stops no spot instance that was asked for once (EC2 User Guide, "Spot Instance requests").
  if (provider?.kind === "ec2" && provider.market !== "on-demand")
    problems.add(
      key,
      "needs machines that can be stopped, and those on spot cannot",
      "set `provider.market: on-demand`",
    );
}

/** Whether it is known where a runner is registered before a job names its repository. */
function hasKnownPlace({ scope }: DraftPool): boolean {
  const repositories = scope?.repositories;
  if (repositories === undefined) return true;
  return repositories.length === 1 && !(repositories[0]?.endsWith("/*") ?? false);
}

function checkConnectionOf(path: string, pool: DraftPool, draft: Pick<Draft, "github">, problems: ProblemList): void {
  const known = Object.keys(draft.github ?? {});
  if (pool.github === undefined || pool.github === "" || known.length === 0) return;
  if (known.includes(pool.github)) return;
  const nearest = nearestOf(pool.github, known);
  const mend = nearest === null ? `connections: ${known.join(", ")}` : `did you mean \`${nearest}\`?`;
  problems.add(`${path}.github`, "names no connection of the `github` block", mend);
}

const SCOPE_KINDS = ["organization", "repositories", "enterprise"] as const;
const SCOPE_MEND =
  "write one of `scope: { organization: acme }`, `scope: { repositories: [acme/widgets] }` and `scope: { enterprise: acme }`";

function checkScope(path: string, pool: DraftPool, problems: ProblemList): void {
  const { scope } = pool;
  if (scope === undefined) return;
  const named = SCOPE_KINDS.filter((kind) => scope[kind] !== undefined);
  if (named.length === 0)
    problems.add(`${path}.scope`, "names no organization, repositories or enterprise", SCOPE_MEND);
  if (named.length > 1) {
    const together = named.map((kind) => `\`${kind}\``).join(" and ");
    problems.add(`${path}.scope`, `has ${together}, which exclude each other`, SCOPE_MEND);
  }
  if (named.length !== 1) return;
  const { organization, repositories } = scope;
  if (organization !== undefined) checkAccept(path, pool, [`${organization}/*`], problems);
  if (repositories === undefined) return;
  checkAccept(path, pool, repositories, problems);
  if (pool.runnerGroup !== undefined && pool.runnerGroup.trim() !== "Default")
    problems.add(
      `${path}.runnerGroup`,
      "is a group that no repository has",
      "remove it, or use `scope: { organization: … }`: only organizations and enterprises have groups",
    );
}

function checkAccept(
  path: string,
  pool: DraftPool,
  scope: readonly (string | undefined)[],
  problems: ProblemList,
): void {
  const owners = new Set(scope.map((pattern) => ownerOf(pattern)));
  for (const [index, pattern] of (pool.accept?.repositories ?? []).entries()) {
    if (pattern === undefined || owners.has(ownerOf(pattern))) continue;
    const mend = "remove it, or widen the scope";
    problems.add(`${path}.accept.repositories[${index}]`, "is outside of the pool's scope", mend);
  }
}

function ownerOf(pattern: string | undefined): string | undefined {
  return pattern?.split("/")[0]?.toLowerCase();
}

function checkLabels(path: string, pool: DraftPool, problems: ProblemList): void {
  const offered = new Set<string>();
  for (const [index, label] of (pool.labels ?? []).entries()) {
    if (label === undefined) continue;
    const lower = label.trim().toLowerCase();
    if (offered.has(lower))
      problems.add(`${path}.labels[${index}]`, "is there twice (case does not count)", "remove one");
    offered.add(lower);
  }
  for (const [index, label] of (pool.requiredLabels ?? []).entries()) {
    if (label === undefined || pool.labels === undefined || offered.has(label.trim().toLowerCase())) continue;
    const mend = "add it to `labels` too: no job could fit";
    problems.add(`${path}.requiredLabels[${index}]`, "is not among `labels`", mend);
  }
}

/** GitHub gives a job to a runner that has all of its labels: one that asks for this, too, would find none. */
function checkRerun(path: string, { rerun, labels, requiredLabels }: DraftPool, problems: ProblemList): void {
  const label = rerun?.exceptLabel?.trim().toLowerCase();
  if (label === undefined || label === "") return;
  const isAmong = (list: typeof labels) => list?.some((one) => one?.trim().toLowerCase() === label) ?? false;
  const key = `${path}.rerun.exceptLabel`;
  if (labels !== undefined && !isAmong(labels))
    problems.add(key, "is not among `labels`", "add it to `labels` too: no job that names it could fit");
  else if (isAmong(requiredLabels))
    problems.add(key, "is among `requiredLabels`", "name another: every job of the pool would ask not to be run again");
  if (rerun?.lostJobs !== true)
    problems.add(key, "means nothing without `lostJobs`", "add `lostJobs: true`, or remove it");
}
