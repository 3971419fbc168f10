/** Each failure of GitHub's, through the whole system: the job still runs, and while it cannot, it is told why. */
import { afterEach, describe, expect, it } from "vitest";
import { formatInstant } from "../../src/domain/instant.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { installApp, setInstallation } from "../../src/simulator/github/apps.ts";
import type { FaultOutcome } from "../../src/simulator/github/faults.ts";
import { DEFAULT_PERMISSIONS, type RunnerGroup } from "../../src/simulator/github/options.ts";
import { deleteRunner, registerRunner } from "../../src/simulator/github/runners.ts";
import { listTicketsOwingDeletion } from "../../src/store/tickets/list.ts";
import { poolName } from "../domain/builders.ts";
import {
  APP_ID,
  expectCleared,
  expectRun,
  expectShown,
  expectTold,
  expectWaiting,
  fault,
  launchedCount,
  openTown,
  queue,
  type SignIn,
} from "./failure-scene.ts";
import { START_MS, type Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const SIGN_INS: readonly SignIn[] = ["app", "token"];
const MINT = "generate-jitconfig";

describe.each(SIGN_INS)("one request for a ticket fails, by %s", (signIn) => {
  const status = (code: number, effect: "none" | "done", headers = {}): FaultOutcome => ({
    kind: "status",
    effect,
    status: code,
    headers,
  });

  it.each<readonly [name: string, outcome: FaultOutcome, withinMs: number]>([
    ["502 before the effect", status(502, "none"), MINUTE_MS],
    ["502 after the effect", status(502, "done"), 2 * MINUTE_MS],
    ["503 with Retry-After", status(503, "none", { "retry-after": "5" }), MINUTE_MS],
    ["the connection reset before the effect", { kind: "reset", effect: "none" }, MINUTE_MS],
    ["the connection reset after the effect", { kind: "reset", effect: "done" }, 2 * MINUTE_MS],
    ["no answer, and no effect", { kind: "answer-lost", effect: "none" }, MINUTE_MS],
    ["no answer after the effect", { kind: "answer-lost", effect: "done" }, 2 * MINUTE_MS],
    ["half an answer", { kind: "half-answer" }, 2 * MINUTE_MS],
    ["an answer too late", { kind: "delay", delayMs: MINUTE_MS }, 2 * MINUTE_MS],
    ["an answer too slow", { kind: "slow-body", delayMs: MINUTE_MS }, 2 * MINUTE_MS],
  ])("%s: the job runs", async (_name, outcome, withinMs) => {
    town = await openTown(signIn);
    town.github.setHook();
    fault(town, MINT, outcome);
    const job = queue(town);
    await expectRun(town, job, withinMs);
    expect(town.github.state.faults).toEqual([]);
    await expectCleared(town, [job]);
  });

  it("eight requests at once: that is one failure, and one short pause", async () => {
    town = await openTown(signIn, { pools: [{ machineCountMax: 8 }] });
    town.github.setHook();
    fault(town, MINT, status(502, "none"), 8);
    const jobs = Array.from({ length: 8 }, () => queue(town));
    for (const job of jobs) await expectRun(town, job, 45 * SECOND_MS);
    expect(town.github.state.faults).toEqual([]);
    await expectCleared(town, jobs);
  });

  it("a time-out before the effect: the job runs", async () => {
    town = await openTown(signIn);
    town.github.setHook();
    let brokenCount = 0;
    town.github.breakCall = ({ path }) => {
      if (!path.endsWith(MINT) || brokenCount > 0) return null;
      brokenCount += 1;
      return new DOMException("The operation was aborted due to timeout", "TimeoutError");
    };
    const job = queue(town);
    await expectRun(town, job, MINUTE_MS);
    expect(brokenCount).toBe(1);
    await expectCleared(town, [job]);
  });
});

const ACME = { kind: "organization", organization: "acme" } as const;

/** Something that lasts until somebody ends it. */
interface Lasting {
  readonly options?: Parameters<typeof openTown>[1];
  /** @returns what ends it. */
  readonly begin: (town: Town) => () => void;
  readonly lastsMs: number;
  readonly reason: ReasonCode;
}

const DOWN = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });

function breakOff(isBroken: (path: string) => boolean): Lasting["begin"] {
  return ({ github }) => {
    github.breakCall = ({ path }) => (isBroken(path) ? DOWN : null);
    return () => {
      github.breakCall = () => null;
    };
  };
}

const refuse =
  (status: number, message: string, headers = {}): Lasting["begin"] =>
  (where) =>
    fault(where, MINT, { kind: "status", effect: "none", status, message, headers }, Number.POSITIVE_INFINITY);

/** The primary limit of every credential that called so far is used up until its hour is over. */
const useUp: Lasting["begin"] = ({ github: { state } }) => {
  for (const quota of state.quotas.values()) quota.usedCount = state.options.primaryLimit;
  return () => {};
};

const uninstall: Lasting["begin"] = ({ github: { state } }) => {
  setInstallation(state, APP_ID, "acme", { isRemoved: true });
  return () => void installApp(state, APP_ID, "acme");
};

const suspend: Lasting["begin"] = ({ github: { state } }) => {
  setInstallation(state, APP_ID, "acme", { isSuspended: true });
  return () => setInstallation(state, APP_ID, "acme", { isSuspended: false });
};

/** Those that there are are good no longer, and GitHub makes no other. */
const takeBackTokens: Lasting["begin"] = (where) => {
  where.github.state.installationTokens.clear();
  return breakOff((path) => path.endsWith("/access_tokens"))(where);
};

const takeBackPermissions: Lasting["begin"] = ({ github: { state } }) => {
  setInstallation(state, APP_ID, "acme", { permissions: { actions: "read", metadata: "read" } });
  return () => setInstallation(state, APP_ID, "acme", { permissions: DEFAULT_PERMISSIONS });
};

/** Somebody else's registrations fill the group. */
const fillGroup: Lasting["begin"] = ({ github: { state }, clock }) => {
  const request = { scope: ACME, labels: ["other"], groupId: 1, isEphemeral: false };
  const others = ["one", "two"].map((name) => registerRunner(state, { ...request, name }, clock.nowMs()));
  return () => {
    for (const other of others) if (typeof other === "object") deleteRunner(state, ACME, other.id, clock.nowMs());
  };
};

const FULL_AT_TWO = { github: { runnersPerGroupMax: 2 } };
const SHORT_HOUR = { github: { primaryWindowMs: 10 * MINUTE_MS } };

function missGroup(): Pick<Lasting, "options" | "begin"> {
  const runnerGroups: RunnerGroup[] = [{ id: 1, name: "Default", repositories: "all" }];
  const options = { github: { runnerGroups }, pools: [{ runnerGroup: "gpu" }] };
  return { options, begin: () => () => void runnerGroups.push({ id: 7, name: "GPU", repositories: "all" }) };
}

const DOWN_MS = 20 * MINUTE_MS;
const REFUSED_MS = 10 * MINUTE_MS;
/** The longest pause between two requests is two minutes; then the job boots, waits for its runner and runs. */
const SOON_MS = 4 * MINUTE_MS;

const limitSecondary = refuse(403, "You have exceeded a secondary rate limit.", { "retry-after": "60" });

describe("while it lasts, the reason is told and nothing is launched; then the job runs", () => {
  it.each<readonly [name: string, SignIn, Lasting]>([
    ["GitHub is down", "app", { begin: breakOff(() => true), lastsMs: DOWN_MS, reason: "github-unavailable" }],
    ["GitHub is down", "token", { begin: breakOff(() => true), lastsMs: DOWN_MS, reason: "github-unavailable" }],
    ["503 each time", "app", { begin: refuse(503, "Unavailable"), lastsMs: DOWN_MS, reason: "github-unavailable" }],
    [
      "no token to be had for the App's installation",
      "app",
      {
        begin: takeBackTokens,
        lastsMs: DOWN_MS,
        reason: "github-unavailable",
      },
    ],
    ["a secondary limit", "app", { begin: limitSecondary, lastsMs: REFUSED_MS, reason: "github-rate-limited" }],
    ["a secondary limit", "token", { begin: limitSecondary, lastsMs: REFUSED_MS, reason: "github-rate-limited" }],
    ["429", "app", { begin: refuse(429, "Too many"), lastsMs: REFUSED_MS, reason: "github-rate-limited" }],
    ["429", "token", { begin: refuse(429, "Too many"), lastsMs: REFUSED_MS, reason: "github-rate-limited" }],
    [
      "the primary limit",
      "app",
      { options: SHORT_HOUR, begin: useUp, lastsMs: 8 * MINUTE_MS, reason: "github-rate-limited" },
    ],
    [
      "the primary limit",
      "token",
      { options: SHORT_HOUR, begin: useUp, lastsMs: 8 * MINUTE_MS, reason: "github-budget" },
    ],
    ["the installation revoked", "app", { begin: uninstall, lastsMs: REFUSED_MS, reason: "github-not-installed" }],
    ["the installation suspended", "app", { begin: suspend, lastsMs: REFUSED_MS, reason: "github-suspended" }],
    ["permissions revoked", "app", { begin: takeBackPermissions, lastsMs: REFUSED_MS, reason: "github-forbidden" }],
    [
      "the token refused",
      "token",
      { begin: refuse(401, "Bad credentials"), lastsMs: REFUSED_MS, reason: "github-unauthorized" },
    ],
    [
      "a full group",
      "app",
      { options: FULL_AT_TWO, begin: fillGroup, lastsMs: REFUSED_MS, reason: "github-runners-full" },
    ],
    [
      "a full group",
      "token",
      { options: FULL_AT_TWO, begin: fillGroup, lastsMs: REFUSED_MS, reason: "github-runners-full" },
    ],
    ["no such group", "app", { ...missGroup(), lastsMs: REFUSED_MS, reason: "github-group-unknown" }],
    ["no such group", "token", { ...missGroup(), lastsMs: REFUSED_MS, reason: "github-group-unknown" }],
  ])("%s, by %s", async (_name, signIn, { options, begin, lastsMs, reason }) => {
    town = await openTown(signIn, options);
    town.github.setHook(ACME);
    await town.run(MINUTE_MS);
    const end = begin(town);
    const job = queue(town);
    await town.run(30 * SECOND_MS);
    await expectTold(town, job, reason, lastsMs);
    await expectShown(town, reason);
    expect(job.phase.kind).toBe("queued");
    end();
    await expectRun(town, job, SOON_MS);
    await expectCleared(town, [job]);
  });
});

it("a refusal is told as soon as it is met", async () => {
  town = await openTown("app");
  town.github.setHook(ACME);
  suspend(town);
  const job = queue(town);
  await town.runUntil(
    () => town.telemetry.errors.some(({ message }) => message === "GitHub gave no ticket"),
    MINUTE_MS,
  );
  await expectWaiting(town, job, "github-suspended");
});

describe("clocks", () => {
  it.each<readonly [string, number]>([
    ["GitHub's is ten minutes ahead", 10 * MINUTE_MS],
    ["GitHub's is ten minutes behind", -10 * MINUTE_MS],
    ["GitHub's is a year ahead", 365 * DAY_MS],
  ])("%s: the App signs in all the same, over and over", async (_name, differenceMs) => {
    town = await openTown("app");
    town.github.setHook(ACME);
    town.github.clockDifferenceMs = differenceMs;
    const job = queue(town);
    await expectRun(town, job, MINUTE_MS);
    await town.run(2 * HOUR_MS);
    const next = queue(town);
    await expectRun(town, next, MINUTE_MS);
    await expectCleared(town, [job, next]);
  });

  it("GitHub does not tell its time: the reason is told, until our clock is right", async () => {
    town = await openTown("app");
    town.github.setHook(ACME);
    town.github.clockDifferenceMs = -10 * MINUTE_MS;
    town.github.tellsTime = false;
    const job = queue(town);
    await town.run(30 * SECOND_MS);
    await expectTold(town, job, "github-clock-skew", REFUSED_MS);
    town.github.clockDifferenceMs = 0;
    await expectRun(town, job, SOON_MS);
    await expectCleared(town, [job]);
  });
});

describe.each(SIGN_INS)("a list of runners from which one is left out, by %s", (signIn) => {
  it("counts for nothing: the registration of a lost answer is not taken to be gone", async () => {
    town = await openTown(signIn);
    town.github.setHook(ACME);
    fault(town, MINT, { kind: "answer-lost", effect: "done" });
    town.github.alterBody = (text, { path, query }) =>
      path.endsWith("/actions/runners") && !query.has("name") ? withoutFirst(text) : text;
    const job = queue(town);
    await expectRun(town, job, 2 * MINUTE_MS);
    await town.run(10 * MINUTE_MS);
    const [lost] = town.github.state.registrations.values();
    const owing = await listTicketsOwingDeletion(town.store.db, poolName());
    expect(owing.map(({ runnerName }) => runnerName)).toContain(lost?.name);
    town.github.alterBody = (text) => text;
    await expectCleared(town, [job]);
  });

  it("says nothing of what became of a lost answer: the ticket waits with its reason, and no second is made", async () => {
    town = await openTown(signIn);
    town.github.setHook(ACME);
    fault(town, MINT, { kind: "answer-lost", effect: "done" });
    town.github.alterBody = (text, { path }) => (path.endsWith("/actions/runners") ? withoutFirst(text) : text);
    const job = queue(town);
    await expectTold(town, job, "github-unavailable", 10 * MINUTE_MS);
    expect(town.github.state.runners.size).toBe(1);
    town.github.alterBody = (text) => text;
    await expectRun(town, job, SOON_MS);
    await expectCleared(town, [job]);
  });
});

/** The page says how many there are, and lacks one of them. */
function withoutFirst(text: string): string {
  const { runners, ...rest } = JSON.parse(text) as { readonly runners?: readonly unknown[] };
  return JSON.stringify({ ...rest, runners: runners?.slice(1) });
}

describe.each(SIGN_INS)("the runner's version, by %s", (signIn) => {
  const endsAt = formatInstant(START_MS - DAY_MS);
  const options = {
    runnerVersion: "2.300.0",
    github: { deprecations: { "2.300.0": { runtime_deprecates_at: endsAt }, "2.400.0": {} } },
  };

  it("GitHub takes it no more: nothing is launched, until a newer one lies there", async () => {
    town = await openTown(signIn, options);
    town.github.setHook(ACME);
    await town.run(MINUTE_MS);
    const job = queue(town);
    await town.run(10 * SECOND_MS);
    await expectTold(town, job, "runner-deprecated", HOUR_MS);
    await expectShown(town, "GitHub takes no jobs with runner 2.300.0");
    expect(launchedCount(town)).toBe(0);
    town.runnerVersion = "2.400.0";
    await expectRun(town, job, SOON_MS);
    await expectCleared(town, [job]);
  });
});
