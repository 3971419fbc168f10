/** DescribeInstances and what is like it: by ids, where one that is not found fails all; or everything that filters match. */
import { formatInstant } from "../../domain/instant.ts";
import type {
  DescribeInstanceStatusRequest,
  DescribeInstancesRequest,
  Ec2Answer,
  GetConsoleOutputRequest,
} from "./api.ts";
import { demandGiven, Ec2Refusal, endDryRun } from "./errors.ts";
import { matchFilters, type Properties } from "./filters.ts";
import { demandInstance, demandInstances, isListed } from "./find.ts";
import { type Page, pageOf } from "./paging.ts";
import { shownPhase, showReservations, showState } from "./show-instance.ts";
import type { Ec2State, Instance, InstancePhase } from "./state.ts";

/** An instance as a listing takes it: with the state that it shows. */
interface Shown {
  readonly instance: Instance;
  readonly phase: InstancePhase;
  readonly tags: ReadonlyMap<string, string>;
}

const PROPERTIES: Properties<Shown> = {
  "instance-id": ({ instance }) => instance.id,
  "instance-type": ({ instance }) => instance.type,
  "instance-state-name": ({ phase }) => phase.kind,
  "instance-lifecycle": ({ instance }) => (instance.market === "spot" ? "spot" : undefined),
  "client-token": ({ instance }) => instance.clientToken ?? undefined,
  "launch-time": ({ instance }) => formatInstant(instance.launchedAtMs),
  "availability-zone": ({ instance }) => instance.zone,
  "subnet-id": ({ instance }) => instance.subnetId,
  "image-id": ({ instance }) => instance.settings.imageId,
  "reservation-id": ({ instance }) => instance.reservationId,
  "spot-instance-request-id": ({ instance }) => instance.spotRequestId ?? undefined,
  "private-ip-address": ({ instance }) => instance.privateIpAddress,
};

export function describeInstances(state: Ec2State, request: DescribeInstancesRequest, nowMs: number): Ec2Answer {
  endDryRun(request);
  const { items, NextToken } = findShown(state, request, nowMs);
  const phases = new Map(items.map(({ instance, phase }) => [instance.id, phase]));
  const instances = items.map(({ instance }) => instance);
  const Reservations = showReservations(state, instances, (instance) => phases.get(instance.id) ?? instance.phase);
  return { Reservations, NextToken };
}

/** By id the truth, or almost; listings lag behind. */
function findShown(state: Ec2State, request: DescribeInstancesRequest, nowMs: number): Page<Shown> {
  const { InstanceIds = [], Filters, MaxResults } = request;
  const isMatching = matchFilters(Filters, PROPERTIES);
  const show = (instance: Instance, phase: InstancePhase): Shown => ({ instance, phase, tags: instance.tags });
  if (InstanceIds.length > 0) {
    if (MaxResults !== undefined)
      throw new Ec2Refusal(
        "InvalidParameterCombination",
        "The parameter instancesSet cannot be used with the parameter maxResults",
      );
    const found = demandInstances(state, InstanceIds, nowMs).map((instance) => show(instance, instance.phase));
    return { items: found.filter(isMatching), NextToken: undefined };
  }
  const listed = [...state.known.values()]
    .filter((instance) => isListed(instance, nowMs))
    .map((instance) => show(instance, shownPhase(instance, nowMs)));
  return pageOf(listed.filter(isMatching), ({ instance }) => instance.number, request);
}

/** Only running instances, unless all are asked for. */
export function describeInstanceStatus(
  state: Ec2State,
  request: DescribeInstanceStatusRequest,
  nowMs: number,
): Ec2Answer {
  endDryRun(request);
  const { items, NextToken } = findShown(state, request, nowMs);
  const isAsked = ({ phase }: Shown) => request.IncludeAllInstances === true || phase.kind === "running";
  const InstanceStatuses = items.filter(isAsked).map(({ instance, phase }) => ({
    InstanceId: instance.id,
    AvailabilityZone: instance.zone,
    InstanceState: showState(phase),
    InstanceStatus: { Status: statusOf(instance, phase, nowMs) },
    SystemStatus: { Status: statusOf(instance, phase, nowMs) },
    Events: [],
  }));
  return { InstanceStatuses, NextToken };
}

function statusOf({ statusChecksPassAtMs }: Instance, { kind }: InstancePhase, nowMs: number): string {
  if (kind !== "running") return "not-applicable";
  return nowMs < statusChecksPassAtMs ? "initializing" : "ok";
}

export function getConsoleOutput(state: Ec2State, request: GetConsoleOutputRequest, nowMs: number): Ec2Answer {
  const instance = demandInstance(state, demandGiven(request.InstanceId, "InstanceId"), nowMs);
  endDryRun(request);
  const { consoleOutput } = instance;
  return {
    InstanceId: instance.id,
    Timestamp: formatInstant(nowMs),
    Output: consoleOutput === "" ? undefined : Buffer.from(consoleOutput).toString("base64"),
  };
}
