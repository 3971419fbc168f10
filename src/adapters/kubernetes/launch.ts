/**
 * Creates the pods of a launch, each by its name. That a pod of that name exists is the answer of a repeat, once it is seen to
 * be the one of this launch; and a refusal counts only where there is no such pod: a quota refuses a name before anybody
 * looks whether it is taken.
 */
import type { V1Pod } from "@kubernetes/client-node";
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import { POD_VARIABLES } from "../../domain/host/pod-settings.ts";
import type { ControllerId, LaunchId, MachineId, ProviderId } from "../../domain/ids.ts";
import { podNameOf } from "../../domain/pod/provider-id.ts";
import type { LaunchedMachine, LaunchRequest } from "../../ports/provider.ts";
import { ANSWER_TIMEOUT_MS, type KubernetesClients } from "./client.ts";
import {
  classify,
  describeFailure,
  type KubernetesFailure,
  launchCodeOf,
  plainCause,
  readFailure,
  toUnavailable,
} from "./errors.ts";
import { idOf } from "./list.ts";
import { readMarks } from "./marks.ts";
import type { Order } from "./order.ts";
import { inParallel } from "./parallel.ts";
import { buildPod, type PodOptions } from "./pod.ts";
import type { Rests } from "./rests.ts";
import type { Settled } from "./settled.ts";
import { RUNNER_CONTAINER } from "./template.ts";

export interface LaunchContext {
  readonly clients: KubernetesClients;
  readonly options: PodOptions;
  readonly rests: Rests;
  readonly settled: Settled<Outcome>;
  /** How long it is certain that no other process holds the pool. */
  leftMs(): number;
}

export type Outcome =
  | { readonly kind: "started"; readonly machine: LaunchedMachine }
  /** There is no such pod. */
  | { readonly kind: "refused"; readonly failure: KubernetesFailure }
  /** There is no such pod, and what there was of it has ended. */
  | { readonly kind: "over" }
  | { readonly kind: "unknown"; readonly error: ProviderError };

export async function launchPods(
  context: LaunchContext,
  order: Order,
  request: LaunchRequest,
): Promise<readonly LaunchedMachine[]> {
  const { launchId } = request;
  const { settled } = context;
  const outcomes = await inParallel(request.machines, async ({ machineId, mayHaveEnded = false }): Promise<Outcome> => {
    const known = settled.find(launchId, machineId);
    if (known !== null) return known;
    const outcome = await (mayHaveEnded
      ? find(context, request, machineId)
      : create(context, order, request, machineId));
    return settle(context, launchId, machineId, outcome);
  });
  for (const outcome of outcomes) if (outcome.kind === "unknown") throw outcome.error;
  settled.forget(launchId);
  const started = outcomes.flatMap((outcome) => (outcome.kind === "started" ? [outcome.machine] : []));
  const failures = outcomes.flatMap((outcome) => (outcome.kind === "refused" ? [outcome.failure] : []));
  for (const failure of failures)
    if (failure.trouble === "quota") context.rests.note("quota", describeFailure(failure));
  const [first] = failures;
  if (started.length > 0 || first === undefined) return started;
  throw refuse(request, codeOf(failures), failures, first);
}

function settle({ settled }: LaunchContext, launchId: LaunchId, machineId: MachineId, outcome: Outcome): Outcome {
  if (outcome.kind === "unknown") settled.noteUnknown(launchId, machineId);
  else if (outcome.kind === "started" || !settled.mayBeUnderWay(launchId, machineId))
    settled.note(launchId, machineId, outcome);
  else {
    const error = `creating pod ${podNameOf(machineId)}: it is not there, and an earlier creation of it may be under way`;
    return { kind: "unknown", error: new ProviderError("provider-unavailable", error) };
  }
  return outcome;
}

/** Of several, what a person has to mend comes first. */
function codeOf(failures: readonly KubernetesFailure[]): ProviderErrorCode {
  const codes = failures.map(launchCodeOf);
  return codes.find((code) => code === "provider-invalid") ?? codes[0] ?? "provider-unavailable";
}

function refuse(
  { launchId, pool }: LaunchRequest,
  code: ProviderErrorCode,
  failures: readonly KubernetesFailure[],
  first: KubernetesFailure,
): ProviderError {
  const said = [...new Set(failures.map(describeFailure))].join("; ");
  const attempted = `creating ${failures.length} pods of pool ${pool} (${launchId}): ${said}`;
  return new ProviderError(code, attempted, { cause: plainCause(first) });
}

async function create(
  context: LaunchContext,
  { avoidedNodes }: Order,
  request: LaunchRequest,
  machineId: MachineId,
): Promise<Outcome> {
  const { clients, options } = context;
  const { namespace } = options.settings;
  const { launchId, settingsHash } = request;
  const body = buildPod(options, { machineId, launchId, settingsHash, avoidedNodes });
  const attempted = `creating pod ${namespace}/${podNameOf(machineId)}`;
  // Whoever holds the pool now may have been answered already; once the pod has ended, its name is free for a second one.
  if (context.leftMs() < ANSWER_TIMEOUT_MS) {
    const error = `${attempted}: another process may hold the pool by now`;
    return { kind: "unknown", error: new ProviderError("provider-unavailable", error) };
  }
  try {
    const pod = await clients.core.createNamespacedPod({ namespace, body });
    return answer(machineId, pod, attempted);
  } catch (error) {
    const failure = readFailure(error);
    if (launchCodeOf(failure) === "provider-unavailable")
      return { kind: "unknown", error: toUnavailable(error, attempted) };
    return lookAgain(context, request, machineId, failure);
  }
}

/** Whether what was refused is there all the same, from an earlier try whose answer was lost. */
async function lookAgain(
  context: LaunchContext,
  request: LaunchRequest,
  machineId: MachineId,
  failure: KubernetesFailure,
): Promise<Outcome> {
  const seen = await look(context, request, machineId, `after its creation was refused: ${describeFailure(failure)}`);
  if (seen !== "absent") return seen;
  // Gone in between, where it had existed: what is created next has another uid, and this one never answers for it.
  if (failure.trouble !== "exists") return { kind: "refused", failure };
  const error = `pod ${podNameOf(machineId)} existed and is gone: it is looked for again`;
  return { kind: "unknown", error: new ProviderError("provider-unavailable", error) };
}

/** Its name would be free for another one if it had ended. */
async function find(context: LaunchContext, request: LaunchRequest, machineId: MachineId): Promise<Outcome> {
  const seen = await look(context, request, machineId, "which a store planned that was restored since");
  return seen === "absent" ? { kind: "over" } : seen;
}

async function look(
  { clients, options }: LaunchContext,
  { launchId }: LaunchRequest,
  machineId: MachineId,
  why: string,
): Promise<Outcome | "absent"> {
  const { namespace } = options.settings;
  const name = podNameOf(machineId);
  const attempted = `reading pod ${namespace}/${name}, ${why}`;
  try {
    const pod = await clients.core.readNamespacedPod({ namespace, name });
    if (isOfLaunch(pod, { controllerId: options.controllerId, machineId, launchId }))
      return answer(machineId, pod, attempted);
    const taken = `a pod ${namespace}/${name} exists that is not of this launch`;
    return { kind: "refused", failure: classify(409, "AlreadyExists", taken) };
  } catch (error) {
    if (readFailure(error).trouble === "absent") return "absent";
    return { kind: "unknown", error: toUnavailable(error, attempted) };
  }
}

/**
 * By its labels; where somebody took some off, by what no one can change: its variables say whom it was made for. To call such
 * a pod not started would close the row of one that runs.
 */
function isOfLaunch(pod: V1Pod, launch: Launched): boolean {
  const { controllerId, launchId } = readMarks(pod.metadata ?? {});
  const isContradicted =
    (controllerId !== null && controllerId !== launch.controllerId) ||
    (launchId !== null && launchId !== launch.launchId);
  if (isContradicted) return false;
  return (controllerId !== null && launchId !== null) || isMadeFor(pod, launch);
}

function isMadeFor({ spec }: V1Pod, { controllerId, machineId }: Launched): boolean {
  const variables = spec?.containers.find(({ name }) => name === RUNNER_CONTAINER)?.env ?? [];
  const says = (variable: string, value: string) =>
    variables.some((one) => one.name === variable && one.value === value);
  return says(POD_VARIABLES.controllerId, controllerId) && says(POD_VARIABLES.machineId, machineId);
}

interface Launched {
  readonly controllerId: ControllerId;
  readonly machineId: MachineId;
  readonly launchId: LaunchId;
}

function answer(machineId: MachineId, pod: V1Pod, attempted: string): Outcome {
  const providerId: ProviderId | null = idOf(pod);
  if (providerId !== null) return { kind: "started", machine: { machineId, providerId } };
  const error = new ProviderError("provider-unavailable", `${attempted}, which answered without name and uid`);
  return { kind: "unknown", error };
}
