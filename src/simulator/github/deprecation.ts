import type { GitHubState } from "./state.ts";

/** Whether GitHub gives a runner of that version no jobs any more. */
export function isPastRuntime(state: GitHubState, version: string, nowMs: number): boolean {
  const endsAt = state.options.deprecations[version]?.runtime_deprecates_at;
  return endsAt !== undefined && nowMs >= Date.parse(endsAt);
}
