/**
 * The truth table of pod shapes, row by row, and the shapes of `kubernetes-stamped-pod.yaml`. What the table calls "reap" is
 * here: it never ran, and so it may end as never engaged; or its end takes a proof that no shape of a pod can give.
 */
import { describe, expect, it } from "vitest";
import { judgePod, type PodWord } from "../../../src/domain/pod/judge.ts";
import type { PodShape } from "../../../src/domain/pod/shape.ts";
import { podShape, RUNNING, terminated, waiting } from "./shapes.ts";

type Want = Partial<PodWord>;
type Row = readonly [name: string, shape: PodShape, want: Want];

const KEPT: Want = { state: "running", isAlarm: false, hasNeverRun: false };
const ALARMED: Want = { state: "running", isAlarm: true, hasNeverRun: false };
const NEVER_RAN: Want = { state: "starting", isAlarm: false, hasNeverRun: true };
const DEAD: Want = { state: "dead", isAlarm: false, hasNeverRun: false };

const pending = (changes: Partial<PodShape> = {}) =>
  podShape({ phase: "Pending", initContainers: [], agent: null, ...changes });

const ROWS: readonly Row[] = [
  [
    "1: unscheduled, no container statuses",
    pending({ isScheduled: false, node: "unread", schedulingTrouble: "0/3 nodes are available" }),
    { ...NEVER_RAN, why: "no node for it: 0/3 nodes are available" },
  ],
  [
    "2: the agent's bringer waits: its image cannot be pulled",
    pending({ initContainers: [waiting("ImagePullBackOff", "not found")], agent: waiting() }),
    { ...NEVER_RAN, why: "ImagePullBackOff: not found" },
  ],
  [
    "3: the bringer runs, nobody has given the pod work",
    pending({ initContainers: [RUNNING], agent: waiting() }),
    NEVER_RAN,
  ],
  ["4: the bringer runs for ever in a pod that was given away", pending({ initContainers: [RUNNING] }), NEVER_RAN],
  [
    "5: the bringer ended well, the agent's container waits",
    pending({ initContainers: [terminated()], agent: waiting() }),
    NEVER_RAN,
  ],
  [
    "6: the bringer failed",
    podShape({ phase: "Failed", initContainers: [terminated(22, "Error")], agent: waiting() }),
    { ...NEVER_RAN, why: "a container before its agent's failed: exit code 22 (Error)" },
  ],
  ["7: the agent's container runs and is started, whatever any ledger says", podShape(), { ...KEPT, why: null }],
  ["8: the agent's container runs, `started` false or missing", podShape({ phase: "Pending" }), KEPT],
  ["9: the agent's container ended, by any code", podShape({ phase: "Succeeded", agent: terminated(0) }), DEAD],
  [
    "10: the agent's container waits after it has run",
    podShape({ agent: { kind: "waiting", reason: "CrashLoopBackOff", message: null, hasRunBefore: true } }),
    ALARMED,
  ],
  [
    "11: the agent's container ended, a sidecar keeps the phase Running",
    podShape({ phase: "Running", agent: terminated(0) }),
    { ...DEAD, why: "its agent's container ended with exit code 0" },
  ],
  [
    "12: evicted",
    podShape({
      phase: "Failed",
      reason: "Evicted",
      disruption: "TerminationByKubelet",
      agent: terminated(137, "Error"),
    }),
    { ...DEAD, why: "its agent's container ended with exit code 137 (Evicted, TerminationByKubelet)" },
  ],
  [
    "13: phase Unknown, the node not ready, the statuses frozen",
    podShape({ phase: "Unknown", node: "not-ready" }),
    { ...KEPT, why: "its node is not ready, so nobody can tell what runs there" },
  ],
  [
    "14: its node's object is gone, which is no word about the computer",
    podShape({ node: "absent" }),
    { ...KEPT, why: "its node is no longer in the cluster, which does not say that nothing runs there" },
  ],
  [
    "15: being deleted, inside its grace",
    podShape({ deletion: "within-grace" }),
    { ...KEPT, why: "it is being deleted" },
  ],
  ["16: its deletion is overdue, no finalizer holds it", podShape({ deletion: "overdue" }), ALARMED],
  [
    "17: its deletion is overdue, held by a finalizer",
    podShape({ deletion: "overdue", finalizers: ["acme.com/vm"] }),
    { ...ALARMED, why: "its deletion is overdue: held by the finalizer acme.com/vm" },
  ],
  // 18 is no shape: `absence.test.ts`.
  ["19: a single container, started", podShape({ initContainers: [] }), KEPT],
  ["20: a state of the agent's container that nobody knows", podShape({ agent: { kind: "unrecognised" } }), ALARMED],
  // 21 is a question of names: `list.test.ts` of the adapter.
  ["22: its job is over at GitHub, and the pod lives", podShape(), KEPT],
];

describe("the truth table", () => {
  it.each(ROWS)("%s", (_name, shape, want) => {
    expect(judgePod(shape)).toMatchObject(want);
  });
});

const MORE: readonly Row[] = [
  [
    "OOM-killed",
    podShape({ agent: terminated(137, "OOMKilled") }),
    { ...DEAD, why: expect.stringContaining("OOMKilled") as unknown as string },
  ],
  ["ended on a node that is not ready any more", podShape({ agent: terminated(1), node: "not-ready" }), DEAD],
  [
    "ended, and held by a finalizer",
    podShape({ agent: terminated(1), deletion: "overdue", finalizers: ["a/b"] }),
    DEAD,
  ],
  ["its node gone by the cloud's own word", podShape({ node: "gone" }), DEAD],
  [
    "about to be disrupted",
    podShape({ disruption: "PreemptionByScheduler" }),
    { ...KEPT, why: "it is about to be disrupted (PreemptionByScheduler)" },
  ],
  [
    "Failed, evicted, and no container statuses",
    podShape({ phase: "Failed", reason: "Evicted", initContainers: [], agent: null }),
    KEPT,
  ],
  [
    "Failed, without a reason and without container statuses",
    podShape({ phase: "Failed", initContainers: [], agent: null }),
    ALARMED,
  ],
  ["a phase that nobody knows", podShape({ phase: "Hibernated" }), ALARMED],
  ["started again by its kubelet", podShape({ agent: { kind: "running", hasRunBefore: true } }), ALARMED],
  ["waiting on a node that is not ready", pending({ node: "not-ready", agent: waiting() }), KEPT],
  [
    "waiting on a node that nobody read",
    pending({ node: "unread", agent: waiting() }),
    { state: "starting", hasNeverRun: false },
  ],
  ["waiting as everybody does", pending({ agent: waiting("ContainerCreating") }), { ...NEVER_RAN, why: null }],
];

describe("other shapes", () => {
  it.each(MORE)("%s", (_name, shape, want) => {
    expect(judgePod(shape)).toMatchObject(want);
  });
});

/** In the incident's own words. */
const INCIDENT: readonly Row[] = [
  ["runner: state.running, started true; no ledger; 30 minutes: keep", podShape(), KEPT],
  ["runner: state.terminated, started false: finalise", podShape({ agent: terminated(1, "Error") }), DEAD],
  [
    "runner: state.waiting, poller running for ever: may end as never engaged",
    pending({ initContainers: [RUNNING], agent: waiting() }),
    NEVER_RAN,
  ],
  ["no container statuses: may end as never engaged", pending({ isScheduled: false, node: "unread" }), NEVER_RAN],
  ["runner: state.running, started null: keep", podShape({ phase: "Pending" }), KEPT],
  [
    "waiting with lastState.terminated: keep and alarm",
    podShape({ agent: { kind: "waiting", reason: null, message: null, hasRunBefore: true } }),
    ALARMED,
  ],
  ["running, its job terminal for 16 min: no word of the pod ends it", podShape(), KEPT],
  ["phase Unknown, node NotReady: keep", podShape({ phase: "Unknown", node: "not-ready" }), KEPT],
];

describe("the shapes of the incident", () => {
  it.each(INCIDENT)("%s", (_name, shape, want) => {
    expect(judgePod(shape)).toMatchObject(want);
  });

  it("one of each: only what ended is dead, and only what never ran may end so", () => {
    const words = INCIDENT.map(([, shape]) => judgePod(shape));
    expect(words.map(({ state }) => state === "dead")).toEqual([false, true, false, false, false, false, false, false]);
    expect(words.map(({ hasNeverRun }) => hasNeverRun)).toEqual([false, false, true, true, false, false, false, false]);
  });
});
