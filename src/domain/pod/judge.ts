/**
 * What a pod's shape says about its machine. It is dead only where its kubelet reports the agent's container terminated, or
 * the cloud says that its node is gone: container state beats phase, and sidecars do not count. Everything else is kept:
 * what is frozen, being deleted, about to be evicted or of an unknown shape may be running a job. The reasons behind each
 * line are in `docs/design/kubernetes.md`.
 */
import type { ProviderState } from "../observed.ts";
import type { ContainerShape, PodShape } from "./shape.ts";

export interface PodWord {
  readonly state: Extract<ProviderState, "starting" | "running" | "dead">;
  /** For people: what is the matter; null where nothing is. */
  readonly why: string | null;
  /** A shape that should not be: somebody has to look. */
  readonly isAlarm: boolean;
  /**
   * The agent's container had not started when this was read, by a word that is current: the scheduler's, or that of a
   * kubelet whose node is ready. Such a machine cannot have had a ticket.
   */
  readonly hasNeverRun: boolean;
}

const PHASES: readonly (string | null)[] = ["Pending", "Running", "Succeeded", "Failed", "Unknown", null];

export function judgePod(shape: PodShape): PodWord {
  const { agent } = shape;
  if (agent?.kind === "terminated") return word("dead", describeEnd(shape, agent));
  if (shape.node === "gone") return word("dead", "the cloud says that its node is gone");
  if (agent?.kind === "unrecognised" || !PHASES.includes(shape.phase))
    return alarm("its status is of a shape that this version does not know");
  if (agent?.hasRunBefore === true)
    return alarm("its agent's container ran before and was started again: restartPolicy must be Never");
  const held = describeDeletion(shape);
  if (agent?.kind === "running")
    return { ...word("running", describeFrozen(shape) ?? held.why), isAlarm: held.isAlarm };
  return judgeUnstarted(shape, held);
}

/** Nothing says that its agent's container ever started. */
function judgeUnstarted(shape: PodShape, held: Held): PodWord {
  const { phase, isScheduled, node } = shape;
  const frozen = describeFrozen(shape);
  if (frozen !== null) return word("running", frozen);
  if (phase === "Failed" || phase === "Succeeded") {
    // The agent's container comes after these, and never does after one that failed.
    if (findFailed(shape) !== null) return { ...word("starting", describeTrouble(shape)), hasNeverRun: true };
    const why = `${phase}${parenthesis(shape.reason)}, and no word of what became of its agent's container`;
    return { ...word("running", why), isAlarm: shape.reason === null };
  }
  const hasNeverRun = !isScheduled || node === "ready";
  return { state: "starting", why: held.why ?? describeTrouble(shape), isAlarm: held.isAlarm, hasNeverRun };
}

function word(state: PodWord["state"], why: string | null): PodWord {
  return { state, why, isAlarm: false, hasNeverRun: false };
}

function alarm(why: string): PodWord {
  return { ...word("running", why), isAlarm: true };
}

type Ended = Extract<ContainerShape, { readonly kind: "terminated" }>;

function describeEnd({ reason, disruption }: PodShape, { exitCode, reason: word }: Ended): string {
  const causes = [word === "Completed" || word === "Error" ? null : word, reason, disruption];
  const told = [...new Set(causes.filter((cause) => cause !== null))];
  return `its agent's container ended with exit code ${exitCode}${parenthesis(told.join(", "))}`;
}

/** Nobody who could tell has told lately: what was said last may be long over. */
function describeFrozen({ phase, node, isScheduled }: PodShape): string | null {
  if (!isScheduled) return null;
  if (node === "absent") return "its node is no longer in the cluster, which does not say that nothing runs there";
  if (node === "not-ready") return "its node is not ready, so nobody can tell what runs there";
  return phase === "Unknown" ? "its kubelet has not been heard of, so nobody can tell what runs there" : null;
}

interface Held {
  readonly why: string | null;
  readonly isAlarm: boolean;
}

function describeDeletion({ deletion, finalizers, disruption }: PodShape): Held {
  if (deletion === "overdue") {
    if (finalizers.length === 0) return { why: "its deletion is overdue: its kubelet does not end it", isAlarm: true };
    return { why: `its deletion is overdue: held by the finalizer ${finalizers.join(", ")}`, isAlarm: true };
  }
  if (deletion === "within-grace") return { why: `it is being deleted${parenthesis(disruption)}`, isAlarm: false };
  return { why: disruption === null ? null : `it is about to be disrupted (${disruption})`, isAlarm: false };
}

/** What everybody passes through on the way, and is no trouble. */
const USUAL_WAITS: readonly (string | null)[] = ["ContainerCreating", "PodInitializing", null];

function findFailed({ initContainers }: PodShape): Ended | null {
  for (const one of initContainers) if (one.kind === "terminated" && one.exitCode !== 0) return one;
  return null;
}

function describeTrouble(shape: PodShape): string | null {
  const { isScheduled, schedulingTrouble, initContainers, agent } = shape;
  if (!isScheduled) return schedulingTrouble === null ? null : `no node for it: ${schedulingTrouble}`;
  const failed = findFailed(shape);
  if (failed !== null)
    return `a container before its agent's failed: exit code ${failed.exitCode}${parenthesis(failed.reason)}`;
  const waiting = [...initContainers, agent].find(
    (container) => container?.kind === "waiting" && !USUAL_WAITS.includes(container.reason),
  );
  if (waiting?.kind !== "waiting") return null;
  return `${waiting.reason}${waiting.message === null ? "" : `: ${waiting.message}`}`;
}

function parenthesis(text: string | null): string {
  return text === null || text === "" ? "" : ` (${text})`;
}
