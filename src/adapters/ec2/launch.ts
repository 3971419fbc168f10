/**
 * Carries out an order, and repeats it as it is until EC2 answered. What it answers is bound to the planned machines in the
 * order of the instances' ids, which is the same in every repeat.
 *
 * Where repeating is no use any more (EC2 has another request under this token, may have forgotten the token, or refuses
 * what an earlier call may have started), the launch is read by its tag, for as long as a listing may lag; what it then shows
 * is what was started.
 */
import {
  CreateFleetCommand,
  type CreateFleetCommandOutput,
  RunInstancesCommand,
  type RunInstancesCommandOutput,
} from "@aws-sdk/client-ec2";
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import { type LaunchId, parseProviderId } from "../../domain/ids.ts";
import { ageMs } from "../../domain/time.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LaunchedMachine, LaunchRequest, LaunchTenure } from "../../ports/provider.ts";
import { describeLaunch } from "../aws/describe.ts";
import { classify, describeFailure, type Ec2Failure, launchCodeOf, plainCause, readFailure } from "../aws/errors.ts";
import type { Owner } from "../aws/tags.ts";
import type { Ec2Clients } from "./client.ts";
import type { Interruptions } from "./interruptions.ts";
import type { Order } from "./order.ts";
import type { Lifecycle, Place, Rests } from "./rests.ts";
import type { Ec2Settings } from "./settings.ts";
import type { Untried } from "./untried.ts";

/** EC2 keeps a token for at least a day ("Ensuring idempotency", EC2 developer guide); half of it is sure. */
const TOKEN_TRUSTED_FOR_MS = 12 * HOUR_MS;
/** A filtered listing shows after this what was launched before. */
const LISTING_LAG_MS = 5 * MINUTE_MS;
/** Launches that are being read by their tag; the oldest is forgotten, and only waits longer. */
const RECOVERIES_MAX = 1_000;

export interface LaunchContext {
  readonly clients: Ec2Clients;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly rests: Rests;
  readonly interruptions: Interruptions;
  readonly settings: Ec2Settings;
  /** Launches that are being read by their tag. */
  readonly recoveries: Map<LaunchId, Recovery>;
  readonly untried: Untried;
  /** The settings were refused: what we believe to be at EC2 may not be. */
  onSettingsRefused(): void;
  onStarted(count: number, onDemandCount: number): void;
}

export interface Recovery {
  /** Monotonic. */
  readonly sinceMs: number;
  /** What follows "because". */
  readonly why: string;
  /** Of the tenure in which it was begun: in another's somebody else may have made the launch since. */
  readonly epoch: number;
}

/** What a call started, and what it reports besides. */
interface CallAnswer {
  readonly instanceIds: readonly string[];
  readonly onDemandCount: number;
  readonly failures: readonly { readonly failure: Ec2Failure; readonly place: Place; readonly lifecycle: Lifecycle }[];
}

export async function carryOut(
  context: LaunchContext,
  order: Order,
  request: LaunchRequest,
  tenure?: Pick<LaunchTenure, "epoch" | "leftMs">,
): Promise<readonly LaunchedMachine[]> {
  const { clock, recoveries, untried } = context;
  const { launchId } = request;
  const epoch = epochOf(tenure);
  const isTokenOld = ageMs(order.draftedAtMs, clock.nowMs()) > TOKEN_TRUSTED_FOR_MS;
  if (isTokenOld) return recover(context, request, { epoch, why: "EC2 may have forgotten its token" });
  const begun = recoveries.get(launchId);
  if (begun !== undefined) return recover(context, request, { epoch, why: begun.why });
  demandTenure(tenure, launchId);
  const isFirst = untried.take(launchId, epoch);
  let answer: CallAnswer;
  try {
    answer = await call(context, order);
  } catch (error) {
    const failure = readFailure(error);
    if (failure.trouble === "token-used")
      return recover(context, request, { epoch, why: "EC2 has another request under its token" });
    // Nothing was done, so the next is the first.
    if (isFirst && failure.trouble === "throttled") untried.note(request, epoch);
    noteFailure(context, order, failure);
    const refusal = refuse(context, order, request, launchCodeOf(failure), [failure], error);
    if (isFirst || refusal.code === "provider-unavailable") throw refusal;
    const why = `an earlier call may have started it before EC2 refused ${describeFailure(failure)}`;
    return recover(context, request, { epoch, why });
  }
  for (const { failure, place, lifecycle } of answer.failures) context.rests.note(failure, place, lifecycle);
  if (answer.instanceIds.length === 0) {
    // EC2 answered, so the token is used up: whatever the reasons were, this request starts nothing any more.
    const failures = answer.failures.map(({ failure }) => failure);
    throw refuse(context, order, request, codeOf(failures), failures);
  }
  context.onStarted(answer.instanceIds.length, answer.onDemandCount);
  return bindInOrder(answer.instanceIds, request);
}

/** Whoever has the pool by now may have closed the launch: what a call of ours started then would be beyond what it wants. */
function demandTenure(tenure: Pick<LaunchTenure, "leftMs"> | undefined, launchId: LaunchId): void {
  if (tenure === undefined || tenure.leftMs() > 0) return;
  throw new ProviderError("provider-unavailable", `making launch ${launchId}: the pool is another process's by now`);
}

/** Another wherever another process may have made the launch's calls since. */
export function epochOf(tenure: Pick<LaunchTenure, "epoch"> | undefined): number {
  return tenure?.epoch ?? 0;
}

/** The machines of one call are interchangeable, so any binding will do that every repeat makes again. */
function bindInOrder(instanceIds: readonly string[], { machines }: LaunchRequest): readonly LaunchedMachine[] {
  const sorted = [...instanceIds].sort();
  return machines.flatMap(({ machineId }, index) => {
    const id = sorted[index];
    return id === undefined ? [] : { machineId, providerId: parseProviderId(id) };
  });
}

async function call(context: LaunchContext, order: Order): Promise<CallAnswer> {
  const { launch } = context.clients;
  if (order.call === "CreateFleet")
    return readFleet(context, order, await launch.send(new CreateFleetCommand(order.input)));
  return readRun(context, order, await launch.send(new RunInstancesCommand(order.input)));
}

function readRun(context: LaunchContext, order: Order, { Instances }: RunInstancesCommandOutput): CallAnswer {
  const instanceIds = (Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []);
  const lifecycle = lifecycleOf(order);
  const [place] = order.places;
  if (place !== undefined) noteStarted(context, place, lifecycle, instanceIds.length);
  return { instanceIds, onDemandCount: lifecycle === "spot" ? 0 : instanceIds.length, failures: [] };
}

/** Errors are per override and may accompany a whole success: what is missing is what was asked for less what came. */
function readFleet(context: LaunchContext, order: Order, answer: CreateFleetCommandOutput): CallAnswer {
  const instanceIds: string[] = [];
  let onDemandCount = 0;
  for (const { InstanceIds, Lifecycle: paid, InstanceType, LaunchTemplateAndOverrides: by } of answer.Instances ?? []) {
    const ids = InstanceIds ?? [];
    instanceIds.push(...ids);
    const lifecycle = paid === "spot" ? "spot" : "on-demand";
    if (lifecycle === "on-demand") onDemandCount += ids.length;
    const place = findPlace(order, InstanceType ?? by?.Overrides?.InstanceType, by?.Overrides?.SubnetId);
    if (place !== null) noteStarted(context, place, lifecycle, ids.length);
  }
  const failures = (answer.Errors ?? []).flatMap(({ ErrorCode, ErrorMessage, Lifecycle: paid, ...rest }) => {
    const failure = classify(ErrorCode ?? "Unknown", ErrorMessage ?? "", null);
    const overrides = rest.LaunchTemplateAndOverrides?.Overrides;
    const place = findPlace(order, overrides?.InstanceType, overrides?.SubnetId);
    const lifecycle: Lifecycle = paid === undefined ? lifecycleOf(order) : paid === "spot" ? "spot" : "on-demand";
    return place === null ? [] : [{ failure, place, lifecycle }];
  });
  return { instanceIds, onDemandCount, failures };
}

function noteStarted(context: LaunchContext, place: Place, lifecycle: Lifecycle, count: number): void {
  if (count === 0) return;
  context.rests.noteStarted(place, lifecycle);
  if (lifecycle === "spot") context.interruptions.noteStarted(place, count);
}

/** An override that the answer does not tell apart is taken for the first that fits. */
function findPlace({ places }: Order, instanceType: string | undefined, subnet: string | undefined): Place | null {
  const fits = places.filter(
    (place) =>
      (instanceType === undefined || place.instanceType === instanceType) &&
      (subnet === undefined || place.subnet === subnet),
  );
  return fits[0] ?? places[0] ?? null;
}

/**
 * A whole call that was refused says the same of each place that it named. But that a type is not offered is so of one of
 * them, and the call does not say of which: none rests as long as that one would.
 */
function noteFailure({ rests }: LaunchContext, { places, lifecycle }: Order, failure: Ec2Failure): void {
  const lifecycles: readonly Lifecycle[] = lifecycle === "both" ? ["spot", "on-demand"] : [lifecycle];
  const isOneOfMany = failure.trouble === "unsupported" && places.length > 1;
  const meant: Ec2Failure = isOneOfMany ? { ...failure, trouble: "capacity" } : failure;
  for (const place of places) for (const of of lifecycles) rests.note(meant, place, of);
}

function lifecycleOf({ lifecycle }: Order): Lifecycle {
  return lifecycle === "spot" ? "spot" : "on-demand";
}

function refuse(
  context: LaunchContext,
  order: Order,
  { launchId, pool }: LaunchRequest,
  code: ProviderErrorCode,
  failures: readonly Ec2Failure[],
  cause?: unknown,
): ProviderError {
  if (code === "provider-invalid") context.onSettingsRefused();
  const said = [...new Set(failures.map(describeFailure))].join("; ") || "EC2 started none and did not say why";
  const attempted = `starting ${order.count} machines of pool ${pool} by ${order.call} (${launchId}, ${order.lifecycle}): ${said}`;
  const isElsewhereFree = (code === "provider-capacity" || code === "provider-quota") && hasOtherWay(context, order);
  return new ProviderError(code, attempted, {
    cause: cause === undefined ? undefined : plainCause(cause),
    ...(isElsewhereFree ? { retryAfterMs: 0 } : {}),
  });
}

/** Of several, what a person has to mend comes first; a quota is what it is only where nothing else stood in the way. */
function codeOf(failures: readonly Ec2Failure[]): ProviderErrorCode {
  const codes = new Set(failures.map(launchCodeOf));
  if (codes.has("provider-invalid")) return "provider-invalid";
  return codes.size === 1 && codes.has("provider-quota") ? "provider-quota" : "provider-capacity";
}

/** Whether the next order would be another one: for the market behind this one. */
function hasOtherWay({ rests, settings }: LaunchContext, { places, lifecycle }: Order): boolean {
  if (lifecycle !== "spot" || settings.market !== "spot-then-on-demand") return false;
  const isSpotOver = places.every((place) => rests.of(place, "spot") !== null);
  return isSpotOver && places.some((place) => rests.of(place, "on-demand") === null);
}

/**
 * What carries the launch's tag is what was started, once no listing can lag behind it any more. Instances that have ended
 * are among it: they were started too.
 */
async function recover(
  context: LaunchContext,
  request: LaunchRequest,
  { epoch, why }: Pick<Recovery, "epoch" | "why">,
): Promise<readonly LaunchedMachine[]> {
  const { clock, recoveries, clients, owner } = context;
  const { launchId } = request;
  const before = recoveries.get(launchId);
  const sinceMs = before?.epoch === epoch ? before.sinceMs : clock.monotonicMs();
  const [oldest] = recoveries.keys();
  if (recoveries.size >= RECOVERIES_MAX && oldest !== undefined) recoveries.delete(oldest);
  recoveries.set(launchId, { sinceMs, why, epoch });
  const found = (await describeLaunch(clients, owner, launchId)).flatMap(({ InstanceId }) => InstanceId ?? []);
  const isWhole = found.length >= request.machines.length;
  if (!isWhole && clock.monotonicMs() - sinceMs < LISTING_LAG_MS) {
    const attempted = `reading launch ${launchId} by its tag, because ${why}: ${found.length} of ${request.machines.length} machines are to be seen, and the listing may lag`;
    // Its own pause is enough: it says nothing of other launches.
    throw new ProviderError("provider-unavailable", attempted, { retryAfterMs: 0 });
  }
  recoveries.delete(launchId);
  return bindInOrder(found, request);
}
