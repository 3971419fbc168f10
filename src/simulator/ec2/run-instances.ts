/** RunInstances: one type in one place, as many as there is room for between the least and the most that is asked for. */
import type { Ec2Answer, RunInstancesRequest } from "./api.ts";
import { freeAddressCount } from "./belongings.ts";
import { demandGiven, demandValue, Ec2Refusal, endDryRun } from "./errors.ts";
import { findTemplateVersion, templateTags } from "./find-template.ts";
import { joinData, type LaunchSettings, readLaunch } from "./launch-settings.ts";
import type { SubnetOption } from "./options.ts";
import { spend } from "./rates.ts";
import { recall, remember } from "./remembered.ts";
import { findHost, findRoom, isOffered } from "./room.ts";
import { showReservations } from "./show-instance.ts";
import { startInstances } from "./start.ts";
import type { Ec2State, Instance } from "./state.ts";

export function runInstances(state: Ec2State, request: RunInstancesRequest, nowMs: number): Ec2Answer {
  const repeated = recall(state, "RunInstances", request, nowMs);
  if (repeated !== null) return repeated;
  const least = demandGiven(request.MinCount, "MinCount");
  const most = demandGiven(request.MaxCount, "MaxCount");
  demandValue(least >= 1, `Value (${least}) for parameter minCount is invalid. Value must be at least 1.`);
  demandValue(most >= least, `Value (${most}) for parameter maxCount is invalid. It must not be less than minCount.`);
  const found = request.LaunchTemplate === undefined ? null : findTemplateVersion(state, request.LaunchTemplate, nowMs);
  const data = { ...joinData(found?.version.data ?? {}, request), SubnetId: request.SubnetId };
  const isSpot = data.InstanceMarketOptions?.MarketType === "spot";
  const launch = readLaunch(state, data, isSpot ? "spot" : "on-demand");
  endDryRun(request);
  const started = start(
    state,
    { launch, least, most, request },
    found === null ? new Map() : templateTags(found),
    nowMs,
  );
  const answer = (): Ec2Answer => {
    const [reservation] = showReservations(state, started, ({ phase }) => phase);
    return reservation ?? {};
  };
  remember(state, "RunInstances", request, { instanceIds: started.map(({ id }) => id), madeAtMs: nowMs, answer });
  return answer();
}

interface Wanted {
  readonly launch: LaunchSettings;
  readonly least: number;
  readonly most: number;
  readonly request: RunInstancesRequest;
}

function start(state: Ec2State, wanted: Wanted, ownTags: ReadonlyMap<string, string>, nowMs: number): Instance[] {
  const { launch, least, most, request } = wanted;
  const places = choosePlaces(state, wanted);
  let refusal: Ec2Refusal | null = null;
  for (const subnet of places) {
    const count = countThatFits(state, wanted, subnet);
    if (count instanceof Ec2Refusal) {
      refusal ??= count;
      continue;
    }
    const hostId = launch.tenancy === null ? null : findHost(state, launch.tenancy.hostId, subnet.zone, least);
    spend(state, "startedInstances", count, nowMs);
    const clientToken = request.ClientToken ?? null;
    return startInstances(state, { launch, subnet, hostId, clientToken, ownTags }, Math.min(count, most), nowMs);
  }
  throw refusal ?? new Ec2Refusal("InvalidSubnetID.NotFound", "No default subnet for the account's VPC");
}

/** Where no subnet is named, EC2 takes one of its own choice. */
function choosePlaces({ options, givenNumbers }: Ec2State, { launch }: Wanted): readonly SubnetOption[] {
  if (launch.subnet !== null) return [launch.subnet];
  const { subnets, chance } = options;
  const first = chance.fork(`place/${givenNumbers.get("r") ?? 0}`).whole([0, Math.max(0, subnets.length - 1)]);
  return [...subnets.slice(first), ...subnets.slice(0, first)];
}

function countThatFits(
  state: Ec2State,
  { launch, least, most }: Wanted,
  { id, zone }: SubnetOption,
): number | Ec2Refusal {
  const { type, market, maxPrice } = launch;
  if (!isOffered(type, zone))
    return new Ec2Refusal(
      "Unsupported",
      `Your requested instance type (${type.name}) is not supported in your requested Availability Zone (${zone}). Please retry your request by not specifying an Availability Zone or choosing another one.`,
    );
  const addresses = freeAddressCount(state, id);
  if (addresses < least)
    return new Ec2Refusal(
      "InsufficientFreeAddressesInSubnet",
      `There are not enough free addresses in subnet '${id}' to satisfy the requested number of instances.`,
    );
  const room = findRoom(state, { type, zone, market, count: most, maxPrice });
  if (room.kind === "enough") return Math.min(most, addresses);
  if (room.count < least) return new Ec2Refusal(roomCode(room.code), room.message);
  return Math.min(room.count, addresses);
}

/** Of a fleet's words, the one that RunInstances says. */
function roomCode(code: Extract<ReturnType<typeof findRoom>, { readonly kind: "short" }>["code"]) {
  return code === "UnfulfillableCapacity" ? "InsufficientInstanceCapacity" : code;
}
