/** One job and one thing that goes wrong at GitHub: how the town meets it, and what must hold whatever happens. */
import { generateKeyPairSync } from "node:crypto";
import { expect } from "vitest";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { readExplanation } from "../../src/http/operators/read-explanation.ts";
import { readStatus } from "../../src/http/operators/read-status.ts";
import { addFault, type FaultOutcome, type FaultTarget } from "../../src/simulator/github/faults.ts";
import { type JobRequest, queueJob } from "../../src/simulator/github/jobs.ts";
import { ALL_SCOPES } from "../../src/simulator/github/options.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { TOKEN } from "./github-wire.ts";
import { Town, type TownOptions } from "./town.ts";

export const APP_ID = 424_242;
const { privateKey: privateKeyPem, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

const ACME_ONLY = { id: 51_515_151, account: "acme" };
const APP = { id: APP_ID, slug: "holdfast", publicKey, installations: [ACME_ONLY] };

/** Who we are at GitHub: an App that is installed in `acme` alone, or the token of one who may do everything. */
export type SignIn = "app" | "token";

/** With `tokenScopes` the token of one who may do less. */
export async function openTown(
  signIn: SignIn,
  { github, tokenScopes = ALL_SCOPES, ...options }: TownOptions & { readonly tokenScopes?: readonly string[] } = {},
): Promise<Town> {
  const tokens = [{ token: TOKEN, login: "octocat", scopes: tokenScopes }];
  const auth = signIn === "app" ? ({ kind: "app", appId: APP_ID, privateKeyPem } as const) : undefined;
  return await Town.open({
    pools: [{ machineCountMax: 3 }],
    ...options,
    ...(auth === undefined ? {} : { auth }),
    github: { apps: [APP], tokens, ...github },
  });
}

export function queue(town: Town, request: Partial<JobRequest> = {}): Job {
  const wanted = { repository: "acme/widgets", labels: ["self-hosted", "linux"], steps: ["make"], ...request };
  return queueJob(town.github.state, wanted, town.clock.nowMs());
}

/** @returns how to take it back. */
export function fault(town: Town, target: FaultTarget, outcome: FaultOutcome, times = 1): () => void {
  return addFault(town.github.state.faults, target, outcome, times);
}

export async function expectWaiting(town: Town, job: Job, reason: ReasonCode): Promise<void> {
  const told = await readExplanation(town.sources, String(job.id));
  expect(told?.waitingFor?.reason).toBe(reason);
}

/** Of the moments at which somebody asks, so many are told the very reason; at the others it is being tried again. */
const TOLD_SHARE_MIN = 0.8;
const LOOK_EVERY_MS = 5 * SECOND_MS;

/** Goes on for so long, in which `explain` tells this reason whenever somebody looks, but for a few moments. */
export async function expectTold(town: Town, job: Job, reason: ReasonCode, durationMs: number): Promise<void> {
  const told: (string | undefined)[] = [];
  for (let passedMs = 0; passedMs < durationMs; passedMs += LOOK_EVERY_MS) {
    await town.run(LOOK_EVERY_MS);
    told.push((await readExplanation(town.sources, String(job.id)))?.waitingFor?.reason);
  }
  const rightCount = told.filter((one) => one === reason).length;
  expect(rightCount / told.length, [...new Set(told)].join()).toBeGreaterThanOrEqual(TOLD_SHARE_MIN);
}

/** The code stands on `status`, with the pool or with its connection. */
export async function expectShown(town: Town, code: string | RegExp): Promise<void> {
  const { pools, connections } = await readStatus(town.sources);
  const told = [...pools.flatMap(({ lastErrors }) => lastErrors), ...connections.flatMap(({ troubles }) => troubles)];
  expect(told.join("\n")).toMatch(code);
}

/** It ends with success, so soon. */
export async function expectRun(town: Town, job: Job, withinMs: number): Promise<void> {
  const beganAtMs = town.clock.nowMs();
  await town.runUntil(() => job.phase.kind === "completed", withinMs);
  expect(job.phase, `after ${(town.clock.nowMs() - beganAtMs) / SECOND_MS} s`).toMatchObject({
    kind: "completed",
    conclusion: "success",
  });
}

export function launchedCount(town: Town): number {
  return town.launches.reduce((count, { machines }) => count + machines.length, 0);
}

/** Surplus machines and registrations that are owed a deletion are gone after this. */
const CLEARED_MS = 6 * MINUTE_MS;

/** No job was given to two runners, none had two machines, and nothing is left of any of them. */
export async function expectCleared(town: Town, jobs: readonly Job[], machineCountMax = jobs.length): Promise<void> {
  await town.run(CLEARED_MS);
  const taken = [...town.github.state.requests.values()].map(({ jobId }) => jobId);
  expect(taken.length, "jobs that a runner was given").toBe(new Set(taken).size);
  expect(launchedCount(town), "machines launched").toBeLessThanOrEqual(machineCountMax);
  expect(town.hosts.size, "machines left").toBe(0);
  expect([...town.github.state.registrations.values()].map(({ name }) => name)).toEqual([]);
  expect(town.telemetry.counts.filter((count) => count.startsWith("holdfast_plan_notes_total"))).toEqual([]);
}
