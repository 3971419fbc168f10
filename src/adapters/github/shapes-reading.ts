/** The parts of GitHub's answers about jobs, repositories, hooks and our own access that we use. */
import * as z from "zod";
import { parseDeliveryId, parseJobId } from "../../domain/ids.ts";
import type { ObservedRunJob } from "../../domain/rerun.ts";
import type { RunnerDeprecation } from "../../ports/github.ts";
import type { Access, Installation, RunnerGroupAccess } from "../../ports/github-access.ts";
import type { HookDelivery } from "../../ports/github-hooks.ts";

const count = z.number().min(0);
const id = z.int().min(1);

const instantMs = z.string().transform((text, context) => {
  const epochMs = Date.parse(text);
  if (Number.isSafeInteger(epochMs)) return epochMs;
  context.addIssue({ code: "custom", message: "is not an instant" });
  return z.NEVER;
});

/** Turns what a parser of ours refuses by RangeError into a mismatch. */
const deliveryGuid = z.string().transform((text, context) => {
  try {
    return parseDeliveryId(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.addIssue({ code: "custom", message: "is not a delivery's guid" });
    return z.NEVER;
  }
});

/** GitHub's own name for the repository, which may have been renamed since we were given one. */
const RunShape = z.object({ id, repository: z.object({ full_name: z.string() }).nullish() });
export type ListedRun = z.infer<typeof RunShape>;

export const RunPageShape = z
  .object({ total_count: count, workflow_runs: z.array(RunShape) })
  .transform((page) => ({ total: page.total_count, items: page.workflow_runs }));

/** The jobs themselves are read by the domain, field by field. */
export const JobPageShape = z
  .object({ total_count: count, jobs: z.array(z.looseObject({ id })) })
  .transform((page) => ({ total: page.total_count, items: page.jobs }));

export const ObservedRunShape = z
  .object({
    id,
    run_attempt: z.int().min(1).nullish(),
    status: z.string().nullish(),
    created_at: instantMs,
    run_started_at: instantMs.nullish(),
  })
  .transform((run) => ({
    id: run.id,
    attempt: run.run_attempt ?? 1,
    createdAtMs: run.created_at,
    attemptStartedAtMs: run.run_started_at ?? run.created_at,
    isCompleted: run.status === "completed",
  }));

const RunJobShape = z
  .object({
    id,
    name: z.string(),
    run_attempt: z.int().min(1).nullish(),
    conclusion: z.string().nullish(),
    completed_at: instantMs.nullish(),
    steps: z.array(z.object({ conclusion: z.string().nullish() })).nullish(),
  })
  .transform(
    (job): ObservedRunJob => ({
      id: parseJobId(job.id),
      name: job.name,
      runAttempt: job.run_attempt ?? 1,
      conclusion: job.conclusion ?? null,
      completedAtMs: job.completed_at ?? null,
      hasFailedStep: job.steps?.some(({ conclusion }) => conclusion === "failure") ?? false,
    }),
  );

export const RunJobPageShape = z
  .object({ total_count: count, jobs: z.array(RunJobShape) })
  .transform((page) => ({ total: page.total_count, items: page.jobs }));

const RepositoryShape = z.object({
  full_name: z.string().regex(/^[^/\s]+\/[^/\s]+$/),
  archived: z.boolean().nullish(),
  disabled: z.boolean().nullish(),
});
export type ListedRepository = z.infer<typeof RepositoryShape>;

export const RepositoryListShape = z.array(RepositoryShape);

export const RepositoryPageShape = z
  .object({ total_count: count, repositories: z.array(RepositoryShape) })
  .transform((page) => ({ total: page.total_count, items: page.repositories }));

const permissions = z.record(z.string(), z.string());

/** The account is an organization or user by its login, an enterprise by its slug, or gone. */
const InstallationShape = z.object({
  account: z.object({ login: z.string().nullish(), slug: z.string().nullish() }).nullish(),
  target_type: z.string().nullish(),
  permissions: permissions.nullish(),
  suspended_at: z.string().nullish(),
  repository_selection: z.enum(["all", "selected"]).catch("selected"),
});
export type ListedInstallation = z.infer<typeof InstallationShape>;

export const InstallationListShape = z.array(InstallationShape);

export function installationOf(listed: ListedInstallation): Installation | null {
  const account = listed.account?.login ?? listed.account?.slug ?? null;
  if (account === null) return null;
  return {
    account,
    permissions: listed.permissions ?? {},
    isSuspended: (listed.suspended_at ?? null) !== null,
    repositorySelection: listed.repository_selection,
  };
}

export const AppShape = z
  .object({
    slug: z.string().nullish(),
    name: z.string(),
    permissions: permissions.nullish(),
    events: z.array(z.string()),
  })
  .transform(
    (app): Omit<Access & { readonly kind: "app" }, "kind" | "installations"> => ({
      // GitHub's description lets it be absent, though no App has none.
      slug: app.slug ?? app.name,
      permissions: app.permissions ?? {},
      events: app.events,
    }),
  );

export const UserShape = z.object({ login: z.string().min(1) });

export const RunnerGroupAccessPageShape = z
  .object({
    total_count: count,
    runner_groups: z.array(
      z.object({
        name: z.string(),
        allows_public_repositories: z.boolean().nullish(),
        /** Of a group that the enterprise shares with the organization: the enterprise's own word, which counts too. */
        inherited_allows_public_repositories: z.boolean().nullish(),
      }),
    ),
  })
  .transform((page) => ({
    total: page.total_count,
    items: page.runner_groups.map(
      (group): RunnerGroupAccess => ({
        name: group.name,
        allowsPublicRepositories:
          group.allows_public_repositories === true && group.inherited_allows_public_repositories !== false,
      }),
    ),
  }));

export const DeprecationShape = z
  .object({
    // What does not even name a version is not about one.
    runner_version: z.string(),
    registration_deprecates_at: instantMs.nullish(),
    runtime_deprecates_at: instantMs.nullish(),
  })
  .transform(
    (said): RunnerDeprecation => ({
      registrationEndsAtMs: said.registration_deprecates_at ?? null,
      runtimeEndsAtMs: said.runtime_deprecates_at ?? null,
    }),
  );

/** `insecure_ssl` is a text or a number; only a 1 says that certificates go unchecked. */
export const HookConfigShape = z
  .object({
    url: z.string().nullish(),
    content_type: z.string().nullish(),
    insecure_ssl: z.union([z.string(), z.number()]).nullish(),
  })
  .transform((config) => ({
    url: config.url ?? "",
    contentType: config.content_type === "json" ? ("json" as const) : ("form" as const),
    isCertificateChecked: String(config.insecure_ssl ?? "0") !== "1",
  }));

export const HookListShape = z.array(
  z.object({ id, active: z.boolean(), events: z.array(z.string()), config: HookConfigShape }),
);

/** A number as long as GitHub's are is a text here, see `parseExactly`. */
const deliveryId = z.union([id, z.string().regex(/^[1-9]\d{0,19}$/)]).transform(String);

export const DeliveryListShape = z.array(
  z
    .object({
      id: deliveryId,
      guid: deliveryGuid,
      delivered_at: instantMs,
      redelivery: z.boolean().nullish(),
      status: z.string().nullish(),
      status_code: z.int().nullish(),
      event: z.string(),
      action: z.string().nullish(),
    })
    .transform(
      (said): HookDelivery => ({
        id: said.id,
        guid: said.guid,
        deliveredAtMs: said.delivered_at,
        isRedelivery: said.redelivery ?? false,
        statusCode: said.status_code ?? 0,
        status: said.status ?? "",
        event: said.event,
        action: said.action ?? null,
      }),
    ),
);

export const DeliveryShape = z.object({ request: z.object({ payload: z.unknown() }).nullish() });
