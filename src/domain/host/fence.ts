/**
 * The fence: how a ticket that has no job yet is taken back, by the controller's order or by the host itself.
 *
 * The listener is stopped, looked at once, and then either killed or resumed: decided by one claim that only one of agent
 * and watchdog can win. A job that arrives in between stays GitHub's, because a stopped listener acquires nothing. A runner
 * that is seen to be busy is never even stopped.
 */

import type { ReportAnswer } from "../protocol.ts";
import { whyNotClean, whyNotIdle } from "./clean-look.ts";
import { TICKET_SILENT_FOR_MS } from "./dead-man.ts";
import type { Fence, FenceCause, FencePhase } from "./fence-state.ts";
import type { Fencing, StartedProcess } from "./journal.ts";
import type { FilesSight, Look } from "./look.ts";
import {
  andThen,
  END_WAIT_MS,
  FOREIGN_FENCE_MS,
  type HeldTicket,
  type HostInput,
  type HostState,
  type HostStep,
  isCutOff,
  isGivingBack,
  JOBLESS_FOR_MS,
  nothingMore,
  OWN_FENCE_PAUSE_MS,
  writeEntry,
} from "./state.ts";

/** An order that was tried is not tried again; one that is not repeated any more is not meant any more. */
export function noteOrder(state: HostState, { handBack }: Pick<ReportAnswer, "handBack">): HostState {
  const { held } = state;
  if (held === null) return state;
  const { phase, refusal } = held.fence;
  const isTried = handBack?.attempt === refusal?.attempt || handBack?.attempt === attemptOf(phase);
  const order = handBack?.ticketId === held.id && !isTried ? handBack : null;
  return withFence(state, held, { order });
}

function attemptOf(phase: FencePhase): number | undefined {
  const cause = phase.kind === "closing" || phase.kind === "opening" || phase.kind === "killed" ? phase.cause : null;
  return cause?.kind === "order" ? cause.attempt : undefined;
}

/**
 * What the fence does at a look at the held ticket.
 * @param state with the look's processes and the ticket's progress already in it.
 */
export function tendFence(state: HostState, held: HeldTicket, look: Look, files: FilesSight, atMs: number): HostStep {
  const { phase } = held.fence;
  switch (phase.kind) {
    case "closing":
    case "opening":
      return nothingMore(state);
    case "killed":
      return lookAgain(state, held, phase, look, files, atMs);
    case "failed":
      return nothingMore(refuse(state, held, "an earlier fence of this ticket failed: it counts as busy", atMs));
    case "inherited":
      return isListenerSeen(look)
        ? awaitForeign(state, held, look, atMs)
        : judgeInherited(state, held, phase.fencing, look, files, atMs);
    case "none":
      return isForeign(look) ? awaitForeign(state, held, look, atMs) : tryToClose(state, held, look, files, atMs);
  }
}

/**
 * After the kill. Whatever the listener wrote since the clean look it wrote because it ran, so it may have taken a job:
 * then, and when a Worker is there, the ticket is busy until nothing of it is left.
 */
function lookAgain(
  state: HostState,
  held: HeldTicket,
  phase: FencePhase & { kind: "killed" },
  look: Look,
  files: FilesSight,
  atMs: number,
): HostStep {
  const { processes } = look;
  const isWorkerThere = processes.kind === "seen" && processes.workerCount > 0;
  const isBlind = files.unreadable !== null;
  const goneForMs = state.goneSinceMs === null ? 0 : atMs - state.goneSinceMs;
  const hasGrown = !isBlind && files.byteCount !== phase.byteCount;
  if (!isWorkerThere && !hasGrown && !(isBlind && goneForMs >= END_WAIT_MS)) return nothingMore(state);
  const what = isWorkerThere ? "a Worker is there" : hasGrown ? "the runner went on" : "its files cannot be read";
  return andThen(writeEntry(state, { kind: "fence-failed", ticketId: held.id }), (written) => {
    const now = written.held ?? held;
    const failed = { ...now, step: "running", fence: { ...now.fence, phase: { kind: "failed" } } } as const;
    const refused = refuseFor(
      { ...written, held: failed },
      failed,
      phase.cause,
      `the fence failed: ${what} after the kill`,
      atMs,
    );
    return { state: refused, effects: [{ kind: "send-logs", ticketId: held.id }] };
  });
}

/** An earlier agent's listener is gone: if the kill was claimed for its fence, that is why, and it is looked at again. */
function judgeInherited(
  state: HostState,
  held: HeldTicket,
  { name, byteCount }: Fencing,
  look: Look,
  files: FilesSight,
  atMs: number,
): HostStep {
  const isProven = look.processes.kind === "seen" && look.fence?.killClaims.includes(name) === true;
  // It ended in another way, or cannot be seen: an order is answered as without a fence.
  if (!isProven) return tryToClose(state, held, look, files, atMs);
  const phase = { kind: "killed", cause: { kind: "own" }, byteCount } as const;
  return lookAgain(withFence(state, held, { phase }), held, phase, look, files, atMs);
}

function isForeign({ fence }: Look): boolean {
  return fence !== null && (fence.isListenerStopped || fence.isWatchdogThere);
}

/**
 * An earlier agent's fence around a listener that is there. Its watchdog decides within seconds; where there is none, or
 * it does not, the listener is resumed, which is safe at any time: a stopped one is never left.
 */
function awaitForeign(state: HostState, held: HeldTicket, look: Look, atMs: number): HostStep {
  const foreignSinceMs = held.fence.foreignSinceMs ?? atMs;
  const isAwaited = look.fence?.isWatchdogThere === true && atMs - foreignSinceMs < FOREIGN_FENCE_MS;
  if (isAwaited || look.fence === null) return nothingMore(withFence(state, held, { foreignSinceMs }));
  const lifted = withFence(state, held, { phase: { kind: "none" }, foreignSinceMs: null });
  const process = processOf(held);
  return process === null
    ? nothingMore(lifted)
    : { state: lifted, effects: [{ kind: "lift-fence", ticketId: held.id, process }] };
}

function tryToClose(state: HostState, held: HeldTicket, look: Look, files: FilesSight, atMs: number): HostStep {
  const why = whyNotIdle(look.processes, files) ?? look.fence?.unreadable ?? null;
  // An agent that started after the assignment was over has only the runner's files to tell that there was one.
  const hadAssignment = held.step === "running" || files.facts.receivedAtMs.length > 0;
  const isJobless = why === null && hadAssignment;
  const idleSinceMs = isJobless ? (held.fence.idleSinceMs ?? atMs) : null;
  const ready = withFence(state, held, { foreignSinceMs: null, idleSinceMs });
  const cause = causeOf(ready, held.fence, idleSinceMs, atMs);
  const isEnding = look.processes.kind === "seen" && look.processes.listenerCount + look.processes.workerCount === 0;
  // A runner that is only starting will be there at one of the next looks; one that is gone answers by its end.
  if (cause === null || held.run.kind === "starting" || isEnding) return nothingMore(ready);
  const process = processOf(held);
  if (why !== null && cause.kind === "own") return nothingMore(ready);
  if (why !== null || process === null)
    return nothingMore(refuseFor(ready, held, cause, why ?? "it is not known which process the runner is", atMs));
  return {
    state: withFence(ready, held, { phase: { kind: "closing", cause }, order: null }),
    effects: [{ kind: "close-fence", ticketId: held.id, process }],
  };
}

function causeOf(
  state: HostState,
  { order, notBeforeMs }: Fence,
  idleSinceMs: number | null,
  atMs: number,
): FenceCause | null {
  if (order !== null) return { kind: "order", attempt: order.attempt };
  const isLongJobless = idleSinceMs !== null && atMs - idleSinceMs >= JOBLESS_FOR_MS;
  const isOwn = isGivingBack(state) || isLongJobless || isCutOff(state, TICKET_SILENT_FOR_MS);
  return isOwn && atMs >= (notBeforeMs ?? atMs) ? { kind: "own" } : null;
}

export function noteFenceClosed(state: HostState, input: HostInput & { kind: "fence-closed" }): HostStep {
  const { held } = state;
  const resume = { kind: "open-fence", claim: "resume" } as const;
  // Nobody waits for it any more: a listener is never left stopped.
  if (held?.id !== input.ticketId || held.fence.phase.kind !== "closing") return { state, effects: [resume] };
  const { cause } = held.fence.phase;
  const why = whyNotClean(input.look);
  if (why !== null) {
    const decision = { claim: "resume", why } as const;
    return { state: withFence(state, held, { phase: { kind: "opening", cause, decision } }), effects: [resume] };
  }
  const { byteCount } = input.look.files;
  const decision = { claim: "kill", byteCount } as const;
  const deciding = withFence(state, held, { phase: { kind: "opening", cause, decision } });
  const written = writeEntry(deciding, { kind: "fencing", ticketId: held.id, name: input.name, byteCount });
  return andThen(written, (next) => ({ state: next, effects: [{ kind: "open-fence", claim: "kill" }] }));
}

export function noteFenceFailed(state: HostState, input: HostInput & { kind: "fence-failed" }): HostState {
  const { held } = state;
  if (held?.id !== input.ticketId || held.fence.phase.kind !== "closing") return state;
  return refuseFor(opened(state, held), held, held.fence.phase.cause, input.why, input.atMs);
}

export function noteFenceOpened(state: HostState, input: HostInput & { kind: "fence-opened" }): HostState {
  const { held } = state;
  if (held === null || held.fence.phase.kind !== "opening") return state;
  const { cause, decision } = held.fence.phase;
  if (decision.claim === "kill" && input.outcome === "killed") {
    const phase = { kind: "killed", cause, byteCount: decision.byteCount } as const;
    // What was seen before the kill says nothing about after it.
    return { ...withFence(state, held, { phase }), goneSinceMs: null };
  }
  const why = decision.claim === "resume" ? decision.why : "the fence was opened again before the kill was decided";
  return refuseFor(opened(state, held), held, cause, why, input.atMs);
}

function opened(state: HostState, held: HeldTicket): HostState {
  return withFence(state, held, { phase: { kind: "none" } });
}

/** The order that is waiting, if there is one, gets its answer. */
function refuse(state: HostState, held: HeldTicket, why: string, atMs: number): HostState {
  const { order } = held.fence;
  return order === null ? state : refuseFor(state, held, { kind: "order", attempt: order.attempt }, why, atMs);
}

function refuseFor(state: HostState, held: HeldTicket, cause: FenceCause, why: string, atMs: number): HostState {
  if (cause.kind === "own") return withFence(state, held, { notBeforeMs: atMs + OWN_FENCE_PAUSE_MS });
  const refusal = { ticketId: held.id, attempt: cause.attempt, why };
  const { order } = held.fence;
  return withFence(state, held, { refusal, order: order?.attempt === cause.attempt ? null : order });
}

/** @param held names the ticket; what the state holds of it meanwhile is kept. */
function withFence(state: HostState, held: HeldTicket, change: Partial<Fence>): HostState {
  const now = state.held ?? held;
  return { ...state, held: { ...now, fence: { ...now.fence, ...change } } };
}

function processOf({ run }: HeldTicket): StartedProcess | null {
  if (run.kind === "own") return run.exit === null ? run.process : null;
  return run.kind === "taken-over" ? run.process : null;
}

function isListenerSeen({ processes }: Look): boolean {
  return processes.kind === "seen" && processes.listenerCount > 0;
}
