/** A pool's `kind: asg` block as the rest of the program gets it: with defaults. */
import { invariant } from "../../domain/invariant.ts";
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import type { AsgProviderConfig } from "./config.ts";
import type { WrittenPool } from "./schema.ts";

/** GitHub's own limit for a job on its own runners, and the default of `timeout-minutes`. */
const LONGEST_JOB_MS = 6 * HOUR_MS;

export function buildAsg({ provider, runner }: WrittenPool): AsgProviderConfig {
  const { region, group, longestJob = LONGEST_JOB_MS } = provider;
  invariant(region !== undefined && group !== undefined, "a group's pool without problems has its keys");
  return {
    kind: "asg",
    region,
    group,
    scaling: provider.scaling ?? "holdfast",
    endpoint: provider.endpoint ?? null,
    autoScalingEndpoint: provider.autoScalingEndpoint ?? null,
    longestJobSeconds: Math.ceil(longestJob / SECOND_MS),
    runnerUser: runner.user ?? "runner",
    identityCertificates: [],
  };
}
