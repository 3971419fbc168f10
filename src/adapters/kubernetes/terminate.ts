/**
 * Deletes a pod under a permit: the very version that was judged, and no other. One that changed since is read and left to the
 * next judgement. That a deletion took a reading confirms, and nothing else.
 */
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import { MachinePermit } from "../../domain/permit.ts";
import { type DeletionStep, decideDeletion } from "../../domain/pod/deletion.ts";
import { judgePod } from "../../domain/pod/judge.ts";
import type { PodPlace } from "../../domain/pod/provider-id.ts";
import { type KubernetesTrouble, readFailure, toUnavailable } from "./errors.ts";
import { demandPlace, type ListContext, listByIds } from "./list.ts";
import type { Rests } from "./rests.ts";
import type { JudgedPod } from "./sights.ts";

export interface EndingContext extends ListContext {
  readonly rests: Rests;
}

export async function endPod(context: EndingContext, permit: MachinePermit): Promise<void> {
  demandFresh(permit, context.clock.nowMs());
  const place = demandPlace(permit.providerId);
  const { sights, rests } = context;
  // After a restart nothing was judged by this process: what is read now is what the permit is used on.
  if (sights.judged(place.podUid) === null) await listByIds(context, [permit.providerId]);
  const judged = sights.judged(place.podUid);
  // There is none of this uid. A reading says what that means.
  if (judged === null) return;
  demandFresh(permit, context.clock.nowMs());
  const word = judgePod(judged.shape);
  // Another reading may have been judged since the one that the permit rests on: it is its version that would be deleted.
  if (permit.isForUnstarted && !word.hasNeverRun)
    throw new ProviderError("provider-unavailable", `deleting ${nameOf(place)}: it may have run by now`);
  const step = decideDeletion(judged.shape, permit.proof);
  if (step.kind === "wait") throw new ProviderError("provider-unavailable", `deleting ${nameOf(place)}: ${step.why}`);
  await deletePod(context, permit, place, judged, step);
  if (permit.proof === "never-engaged") rests.learn(judged, word.why);
}

/** Looked at right before the call: a permit is worth 30 s. */
function demandFresh(permit: MachinePermit, nowMs: number): void {
  if (!MachinePermit.isMade(permit))
    throw new HoldfastError("permit-stale", "deleting a pod with what is not a permit");
  if (nowMs >= permit.expiresAtMs)
    throw new HoldfastError("permit-stale", `deleting pod ${permit.providerId} with a permit that has expired`);
}

async function deletePod(
  context: EndingContext,
  { providerId }: MachinePermit,
  place: PodPlace,
  judged: JudgedPod,
  step: Exclude<DeletionStep, { readonly kind: "wait" }>,
): Promise<void> {
  const { namespace, podName: name, podUid: uid } = place;
  const gracePeriodSeconds = step.kind === "force" ? 0 : step.graceSeconds;
  const preconditions = { uid, resourceVersion: judged.resourceVersion };
  try {
    await context.clients.core.deleteNamespacedPod({
      namespace,
      name,
      body: { gracePeriodSeconds, preconditions, propagationPolicy: "Background" },
    });
  } catch (error) {
    const failure = readFailure(error);
    if (failure.trouble === "absent") return;
    // So that the next call is not for the version that this one was refused for.
    if (failure.trouble === "conflict") await listByIds(context, [providerId]);
    const attempted = `deleting ${nameOf(place)}${MENDS[failure.trouble] ?? ""}`;
    throw toUnavailable(error, attempted);
  }
  // By the precondition this was its last version; what was bound to no node the API removes at once.
  if (!judged.shape.isScheduled) context.sights.noteFinal(uid, judged);
}

/** What else there is to say of a refusal. */
const MENDS: Partial<Readonly<Record<KubernetesTrouble, string>>> = {
  conflict: ", which has changed since it was judged: it is judged anew",
  denied: ", which the credentials may not: `holdfast check` names the rule that is missing",
};

function nameOf({ namespace, podName, podUid }: PodPlace): string {
  return `pod ${namespace}/${podName} (uid ${podUid})`;
}
