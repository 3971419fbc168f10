import { APP_ROUTES } from "./rest-app.ts";
import { HOOK_ROUTES } from "./rest-hooks.ts";
import { JOB_ROUTES } from "./rest-jobs.ts";
import { MANIFEST_ROUTES } from "./rest-manifest.ts";
import { REPOSITORY_ROUTES } from "./rest-repositories.ts";
import { RUNNER_GROUP_ROUTES } from "./rest-runner-groups.ts";
import { RUNNER_ROUTES } from "./rest-runners.ts";
import type { Route } from "./route.ts";

/** Every call that REST answers. */
export const ROUTES: readonly Route[] = [
  ...RUNNER_ROUTES,
  ...RUNNER_GROUP_ROUTES,
  ...JOB_ROUTES,
  ...APP_ROUTES,
  ...REPOSITORY_ROUTES,
  ...HOOK_ROUTES,
  ...MANIFEST_ROUTES,
];
