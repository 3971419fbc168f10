/**
 * Ends instances, many by one call. EC2 refuses a call as a whole for one instance: what it names is taken out, and where
 * it names nothing the call is halved until the one is found. An ending is confirmed by a listing, and asked for again
 * where it did not take.
 */
import { StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import type { ProviderId } from "../../domain/ids.ts";
import { MachinePermit } from "../../domain/permit.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Outcome } from "./batch.ts";
import { describeByIds } from "./describe.ts";
import type { Ec2Calls } from "./ec2-clients.ts";
import { describeFailure, type Ec2Failure, namedInstances, readFailure } from "./errors.ts";
import { isAnothers, stateOf } from "./states.ts";
import type { Owner } from "./tags.ts";

/** By EC2's reference; fewer spread the damage of a refusal. */
export const ENDINGS_AT_ONCE_MAX = 200;
/** Calls that one batch may cost where some of it is refused; the rest is asked for by the next pass. */
const CALLS_MAX = 24;
/** All are forgotten then, and found out again. */
const REFUSED_MAX = 10_000;

export interface EndingContext {
  readonly clients: Ec2Calls;
  readonly clock: Clock;
  readonly owner: Owner;
  /** Who was refused before: they come after the others, who else would wait for them for ever. */
  readonly refused: Set<ProviderId>;
}

/** What is asked of instances under a permit. */
export type Verb = "terminate" | "stop";

/** One outcome for each permit, in their order. */
export async function endInstances(
  context: EndingContext,
  verb: Verb,
  permits: readonly MachinePermit[],
): Promise<readonly Outcome<void>[]> {
  const outcomes = new Map<MachinePermit, Outcome<void>>();
  const held = permits.filter((permit) => {
    const stale = findStale(permit, context.clock.nowMs());
    if (stale !== null) outcomes.set(permit, { error: stale });
    return stale === null;
  });
  if (context.refused.size >= REFUSED_MAX) context.refused.clear();
  const isRefused = ({ providerId }: MachinePermit) => context.refused.has(providerId);
  const parts = [held.filter((permit) => !isRefused(permit)), held.filter(isRefused)];
  const calls: (readonly MachinePermit[])[] = parts.filter((part) => part.length > 0);
  for (let callCount = 0; calls.length > 0 && callCount < CALLS_MAX; callCount += 1) {
    const batch = (calls.shift() ?? []).filter((permit) => findStale(permit, context.clock.nowMs()) === null);
    if (batch.length === 0) continue;
    const failure = await ask(context, verb, batch);
    if (failure === null) for (const permit of batch) outcomes.set(permit, { value: undefined });
    // Down to the one that is refused first: it is known the next time, where a level of halves would be forgotten.
    else calls.unshift(...(await divide(context, verb, batch, failure, outcomes)));
  }
  return permits.map((permit) => outcomes.get(permit) ?? { error: unasked(verb, permit) });
}

/** Looked at right before each call: a permit is worth 30 s. */
export function findStale(permit: MachinePermit, nowMs: number): HoldfastError | null {
  if (!MachinePermit.isMade(permit))
    return new HoldfastError("permit-stale", "ending an instance with what is not a permit");
  if (nowMs < permit.expiresAtMs) return null;
  return new HoldfastError("permit-stale", `ending instance ${permit.providerId} with a permit that has expired`);
}

async function ask(
  { clients }: EndingContext,
  verb: Verb,
  batch: readonly MachinePermit[],
): Promise<Ec2Failure | null> {
  const InstanceIds = batch.map(({ providerId }) => providerId);
  try {
    if (verb === "terminate") await clients.write.send(new TerminateInstancesCommand({ InstanceIds }));
    else await clients.write.send(new StopInstancesCommand({ InstanceIds }));
    return null;
  } catch (error) {
    return readFailure(error);
  }
}

/** @returns the calls to make instead of one that was refused; what cannot be helped gets its outcome. */
async function divide(
  context: EndingContext,
  verb: Verb,
  batch: readonly MachinePermit[],
  failure: Ec2Failure,
  outcomes: Map<MachinePermit, Outcome<void>>,
): Promise<readonly (readonly MachinePermit[])[]> {
  // What EC2 does not know was asked for all the same: a reading by id tells what became of it.
  const refuse = (some: readonly MachinePermit[]) => {
    const isAbsent = failure.trouble === "absent";
    for (const permit of some) {
      outcomes.set(permit, isAbsent ? { value: undefined } : { error: explain(verb, permit, failure) });
      if (!isAbsent) context.refused.add(permit.providerId);
    }
  };
  switch (failure.trouble) {
    case "throttled":
    case "unknown":
      for (const permit of batch) outcomes.set(permit, { error: explain(verb, permit, failure) });
      return [];
    case "denied":
      // Refused for who asks, or for when: each call made instead is signed anew, and nobody knows what happened meanwhile.
      if (failure.code !== "UnauthorizedOperation") {
        refuse(batch);
        return [];
      }
      return withoutVanished(context, batch, failure, outcomes, refuse);
  }
  const named = namedInstances(failure.message);
  const meant = batch.filter(({ providerId }) => named.has(providerId));
  if (meant.length > 0) {
    refuse(meant);
    const others = batch.filter(({ providerId }) => !named.has(providerId));
    return others.length === 0 ? [] : [others];
  }
  return halve(batch, refuse);
}

function halve(
  batch: readonly MachinePermit[],
  refuse: (some: readonly MachinePermit[]) => void,
): readonly (readonly MachinePermit[])[] {
  if (batch.length <= 1) {
    refuse(batch);
    return [];
  }
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}

/**
 * A policy that allows only what carries our tag refuses instances that have vanished, because those carry none. Which
 * those are a reading tells; what is there and ours is asked for again, and where nothing had vanished, by halves.
 */
async function withoutVanished(
  context: EndingContext,
  batch: readonly MachinePermit[],
  failure: Ec2Failure,
  outcomes: Map<MachinePermit, Outcome<void>>,
  refuse: (some: readonly MachinePermit[]) => void,
): Promise<readonly (readonly MachinePermit[])[]> {
  let known: Awaited<ReturnType<typeof describeByIds>>;
  try {
    known = await describeByIds(
      context.clients,
      batch.map(({ providerId }) => providerId),
    );
  } catch {
    // The refusal is what has to be told; that the reading failed as well adds nothing to it.
    refuse(batch);
    return [];
  }
  const present = batch.filter(({ providerId }) => {
    const instance = known.get(providerId);
    return instance !== undefined && stateOf(instance) !== "gone" && !isAnothers(instance, context.owner.controllerId);
  });
  for (const permit of batch) {
    if (present.includes(permit)) continue;
    const instance = known.get(permit.providerId);
    const isAnother = instance !== undefined && isAnothers(instance, context.owner.controllerId);
    outcomes.set(permit, isAnother ? { error: explain("terminate", permit, failure) } : { value: undefined });
  }
  if (present.length === batch.length) return halve(batch, refuse);
  return present.length === 0 ? [] : [present];
}

/** Nothing here ends the repetition: the next pass asks again, and a person may have mended it by then. */
function explain(verb: Verb, { providerId }: MachinePermit, failure: Ec2Failure): ProviderError {
  const doing = verb === "terminate" ? "ending" : "stopping";
  const said = describeFailure(failure);
  switch (failure.trouble) {
    case "protected": {
      const attribute = verb === "terminate" ? "disableApiTermination" : "disableApiStop";
      const mend = `somebody protected it: it is ${verb === "terminate" ? "ended" : "stopped"} once its attribute ${attribute} is off (aws ec2 modify-instance-attribute --instance-id ${providerId} --no-${verb === "terminate" ? "disable-api-termination" : "disable-api-stop"})`;
      return new ProviderError("provider-unavailable", `${doing} instance ${providerId}: ${mend}. ${said}`);
    }
    case "denied": {
      const mend = "the credentials may not; `holdfast check --iam` prints what they need";
      return new ProviderError("provider-unavailable", `${doing} instance ${providerId}: ${mend}. ${said}`);
    }
    case "unsupported":
      return new ProviderError(
        "provider-invalid",
        `${doing} instance ${providerId}: it is of a kind that cannot. ${said}`,
      );
    default:
      return new ProviderError("provider-unavailable", `${doing} instance ${providerId}: ${said}`);
  }
}

function unasked(verb: Verb, { providerId }: MachinePermit): ProviderError {
  const doing = verb === "terminate" ? "ending" : "stopping";
  const why = `too many of its batch were refused one by one, or its permit expired meanwhile`;
  return new ProviderError("provider-unavailable", `${doing} instance ${providerId}: not asked for, ${why}`);
}
