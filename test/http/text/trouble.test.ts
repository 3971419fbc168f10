import { expect, it } from "vitest";
import type { StatusAnswer } from "../../../src/http/operators/answers.ts";
import { describeTrouble } from "../../../src/http/text/trouble.ts";

const AT = "2026-08-19T16:10:00.000Z";
const POOL: StatusAnswer["pools"][number] = {
  name: "gpu",
  mode: "run",
  max: 2,
  labels: [],
  machines: { planned: 0, provisioning: 0, parked: 0, stopping: 0, stopped: 0, engaged: 0, retiring: 0 },
  verdicts: { busy: 0, idle: 0, unknown: 0 },
  waitingJobs: 0,
  liveTickets: 0,
  standing: { registered: 0, ready: 0 },
  breakers: [],
  pauses: [],
  listing: null,
  agents: { heard: 0, silent: 0, quietSince: null },
  lastErrors: [],
  words: [],
};

const CONNECTION: StatusAnswer["connections"][number] = {
  name: "main",
  demand: "webhooks",
  budgets: [],
  repositories: 1,
  lookedAt: AT,
  deliveredAt: AT,
  troubles: [],
};

const failing = (pool: string | null) => ({ name: "execute", pool, lastRunAt: AT, lastError: "launching for gpu" });

function status(health: Partial<StatusAnswer["health"]>, lastErrors: string[] = []): StatusAnswer {
  return {
    now: AT,
    controllerId: "ci",
    version: "1",
    since: AT,
    health: { isReady: true, problems: [], controllers: [], ...health },
    connections: [],
    pools: [{ ...POOL, lastErrors }],
    jobs: { waiting: 0, queued: 0, unmatched: 0, running: 0, completedLastHour: 0 },
    deliveries: { pending: 0, applied: 0, ignored: 0, quarantined: 0 },
    words: [],
  };
}

it.each<[string, StatusAnswer, string, readonly string[]]>([
  ["nothing", status({}), "All well", []],
  [
    "a connection's",
    { ...status({}), connections: [{ ...CONNECTION, troubles: ["github-suspended: signing in"] }] },
    "Running, with trouble",
    ["Connection main: github-suspended: signing in"],
  ],
  ["a pool's", status({}, ["launch failed"]), "Running, with trouble in pool gpu", []],
  [
    "a pool's controller, which the problems name too",
    status({ problems: ["controller execute failed: launching for gpu"], controllers: [failing("gpu")] }, [
      "execute: launching for gpu",
    ]),
    "Running, with trouble in pool gpu",
    [],
  ],
  [
    "a controller's of all pools",
    status({ controllers: [failing(null)] }),
    "Running, with trouble",
    ["Controller execute: launching for gpu"],
  ],
  [
    "a controller's of all pools, which the problems name too",
    status({ problems: ["controller execute failed: launching for gpu"], controllers: [failing(null)] }),
    "Running, with trouble",
    ["controller execute failed: launching for gpu"],
  ],
  [
    "not ready",
    status({ isReady: false, problems: ["another process holds pool gpu"] }),
    "Not ready",
    ["another process holds pool gpu"],
  ],
])("%s", (_name, answer, word, problems) => {
  expect(describeTrouble(answer)).toMatchObject({ word, problems });
});

it("says that operators hold a pool back, where nothing is wrong", () => {
  const word = { kind: "frozen", subject: "pool gpu", operator: "alice", reason: "an incident", since: AT } as never;
  const held = describeTrouble({ ...status({}), pools: [{ ...POOL, words: [word] }] });
  expect(held).toMatchObject({ word: "Running, pool gpu held back by operators", tone: "warn" });
});
