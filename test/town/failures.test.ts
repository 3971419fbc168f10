/** Each failure of GitHub's, through the whole system: the job still runs, and while it cannot, it is told why. */
import { afterEach, describe, expect, it } from "vitest";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { installApp, setInstallation } from "../../src/simulator/github/apps.ts";
import type { FaultOutcome } from "../../src/simulator/github/faults.ts";
import type { RunnerGroup } from "../../src/simulator/github/options.ts";
import { deleteRunner, registerRunner } from "../../src/simulator/github/runners.ts";
import type { Runner } from "../../src/simulator/github/state.ts";
import {
  APP_ID,
  expectCleared,
  expectRun,
  expectShown,
  expectWaiting,
  fault,
  launchedCount,
  openTown,
  queue,
  type SignIn,
} from "./failure-scene.ts";
import type { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const SIGN_INS: readonly SignIn[] = ["app", "token"];
const MINT = "generate-jitconfig";

describe.each(SIGN_INS)("one request for a ticket fails, with an %s", (signIn) => {
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

const OTHER_GROUP: RunnerGroup = { id: 7, name: "gpu", repositories: "all" };
const ACME = { kind: "organization", organization: "acme" } as const;

/** Something that lasts until somebody ends it. */
interface Lasting {
  readonly signIn: SignIn;
  readonly options?: Parameters<typeof openTown>[1];
  /** @returns what ends it. */
  readonly begin: (town: Town) => () => void;
  readonly lastsMs: number;
  readonly reason: ReasonCode;
  readonly withinMs: number;
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

const refuse = (status: number, message: string, headers = {}): Lasting["begin"] => (where) =>
  fault(where, MINT, { kind: "status", effect: "none", status, message, headers }, Number.POSITIVE_INFINITY);

describe("while it lasts, the reason is told; then the job runs", () => {
  it.each<readonly [name: string, lasting: Lasting]>([
    [
      "GitHub is down for 20 minutes",
      { signIn: "app", begin: breakOff(() => true), lastsMs: 20 * MINUTE_MS, reason: "github-unavailable", withinMs: 4 * MINUTE_MS },
    ],
    [
      "GitHub is down for 20 minutes, with a token",
      { signIn: "token", begin: breakOff(() => true), lastsMs: 20 * MINUTE_MS, reason: "github-unavailable", withinMs: 4 * MINUTE_MS },
    ],
    [
      "503 to every request for a ticket",
      { signIn: "app", begin: refuse(503, "Service Unavailable"), lastsMs: 10 * MINUTE_MS, reason: "github-unavailable", withinMs: 4 * MINUTE_MS },
    ],
    [
      "403 to every request for a ticket",
      { signIn: "app", begin: refuse(403, "Resource not accessible by integration"), lastsMs: 10 * MINUTE_MS, reason: "github-forbidden", withinMs: 4 * MINUTE_MS },
    ],
    [
      "a secondary limit with Retry-After",
      { signIn: "app", begin: refuse(403, "You have exceeded a secondary rate limit.", {"retry-after": "60"}), lastsMs: 3 * MINUTE_MS, reason: "github-rate-limited", withinMs: 4 * MINUTE_MS },
    ],
    [
      "429",
      { signIn: "token", begin: refuse(429, "Too many requests"), lastsMs: 3 * MINUTE_MS, reason: "github-rate-limited", withinMs: 5 * MINUTE_MS },
    ],
    [
      "the App's installation is revoked, and put back",
      {
        signIn: "app",
        begin: ({ github: { state } }) => {
          setInstallation(state, APP_ID, "acme", { isRemoved: true });
          return () => void installApp(state, APP_ID, "acme");
        },
        lastsMs: 10 * MINUTE_MS, reason: "github-not-installed", withinMs: 4 * MINUTE_MS,
      },
    ],
    [
      "the App's installation is suspended, and unsuspended",
      {
        signIn: "app",
        begin: ({ github: { state } }) => {
          setInstallation(state, APP_ID, "acme", { isSuspended: true });
          return () => setInstallation(state, APP_ID, "acme", { isSuspended: false });
        },
        lastsMs: 10 * MINUTE_MS, reason: "github-suspended", withinMs: 4 * MINUTE_MS,
      },
    ],
    [
      "the runner group is full",
      {
        signIn: "app",
        options: { github: { runnersPerGroupMax: 2 } },
        begin: ({ github: { state }, clock }) => {
          const others = ["one", "two"].map((name) =>
            registerRunner(state, { scope: ACME, name, labels: ["other"], groupId: 1, isEphemeral: false }, clock.nowMs()),
          ) as Runner[];
          return () => { for (const { id } of others) deleteRunner(state, ACME, id, clock.nowMs()); };
        },
        lastsMs: 10 * MINUTE_MS, reason: "github-runners-full", withinMs: 4 * MINUTE_MS,
      },
    ],
  ])("%s", async (_name, { signIn, options, begin, lastsMs, reason, withinMs }) => {
    town = await openTown(signIn, options);
    town.github.setHook(ACME);
    await town.run(MINUTE_MS);
    const end = begin(town);
    const job = queue(town);
    await town.run(SECOND_MS);
    const { readExplanation } = await import("../../src/http/operators/read-explanation.ts");
    const counts: Record<string, number> = {};
    let passed = 0;
    for (; passed < lastsMs; passed += SECOND_MS) {
      await town.run(SECOND_MS);
      const r = (await readExplanation(town.sources, String(job.id)))?.waitingFor?.reason ?? "null";
      counts[r] = (counts[r] ?? 0) + 1;
    }
    console.info(_name, JSON.stringify(counts), launchedCount(town), town.hosts.size);
    await expectShown(town, reason).catch((e) => console.info(String(e)));
    end();
    await expectRun(town, job, withinMs);
    await expectCleared(town, [job]);
  });
});
