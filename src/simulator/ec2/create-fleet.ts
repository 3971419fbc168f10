/**
 * CreateFleet of type instant: so many instances, from several pools of capacity in two markets, at once. What cannot be had
 * is missing from the answer; why, it says for each override that was tried, not for each instance.
 */
import type {
  CreateFleetRequest,
  Ec2Answer,
  FleetLaunchTemplateConfig,
  FleetOverride,
  MarketOptions,
  TargetCapacity,
} from "./api.ts";
import { demandGiven, demandValue, Ec2Refusal, endDryRun } from "./errors.ts";
import { type Filled, type FleetError, type FleetPool, fillMarket } from "./fill-market.ts";
import { type FoundVersion, findTemplateVersion } from "./find-template.ts";
import { newId } from "./ids.ts";
import { tagsFor } from "./launch-settings.ts";
import type { Market } from "./options.ts";
import { recall, remember } from "./remembered.ts";
import type { Ec2State } from "./state.ts";

const CAPACITY_MAX = 1_000;
/** What a fleet of this type can tag; anything else is tagged by its template. */
const TAGGED: ReadonlySet<string> = new Set(["fleet", "instance"]);

export function createFleet(state: Ec2State, request: CreateFleetRequest, nowMs: number): Ec2Answer {
  const repeated = recall(state, "CreateFleet", request, nowMs);
  if (repeated !== null) return repeated;
  if (request.Type !== "instant")
    throw new Ec2Refusal("UnsupportedOperation", "This simulated EC2 knows fleets of type instant alone.");
  const configs = demandGiven(request.LaunchTemplateConfigs, "LaunchTemplateConfigs");
  const targets = readTargets(demandGiven(request.TargetCapacitySpecification, "TargetCapacitySpecification"));
  const other = request.TagSpecifications?.find(({ ResourceType = "" }) => !TAGGED.has(ResourceType));
  demandValue(
    other === undefined,
    `'${other?.ResourceType}' is not a valid taggable resource type for this operation.`,
  );
  const pools = configs.flatMap((config) => readPools(state, config, nowMs));
  endDryRun(request);
  const fleetId = newId(state, "fleet");
  const fill = (market: Market, count: number, options: MarketOptions = {}) =>
    fillMarket(state, { market, count, options, pools, request, fleetId }, nowMs);
  const filled = [
    fill("on-demand", targets.onDemand, request.OnDemandOptions),
    fill("spot", targets.spot, request.SpotOptions),
  ];
  const instanceIds = filled.flatMap(({ starts }) => starts.flatMap(({ instances }) => instances.map(({ id }) => id)));
  const tags = tagsFor(request.TagSpecifications, "fleet");
  state.fleets.set(fleetId, { id: fleetId, createdAtMs: nowMs, instanceIds, tags });
  const answer = showFleet(fleetId, filled);
  remember(state, "CreateFleet", request, { instanceIds, madeAtMs: nowMs, answer: () => answer });
  return answer;
}

function readTargets(target: TargetCapacity): { readonly onDemand: number; readonly spot: number } {
  const total = demandGiven(target.TotalTargetCapacity, "TargetCapacitySpecification.TotalTargetCapacity");
  demandValue(total >= 1 && total <= CAPACITY_MAX, `Invalid value '${total}' for TotalTargetCapacity.`);
  const { OnDemandTargetCapacity = 0, SpotTargetCapacity = 0, DefaultTargetCapacityType = "on-demand" } = target;
  const rest = total - OnDemandTargetCapacity - SpotTargetCapacity;
  demandValue(rest >= 0, "TotalTargetCapacity must not be less than its spot and on-demand parts.");
  return {
    onDemand: OnDemandTargetCapacity + (DefaultTargetCapacityType === "on-demand" ? rest : 0),
    spot: SpotTargetCapacity + (DefaultTargetCapacityType === "spot" ? rest : 0),
  };
}

/** One for each override; the template alone is one where there are none. */
function readPools(state: Ec2State, config: FleetLaunchTemplateConfig, nowMs: number): FleetPool[] {
  const specification = demandGiven(config.LaunchTemplateSpecification, "LaunchTemplateSpecification");
  const found = findTemplateVersion(state, specification, nowMs);
  if (found.version.data.InstanceMarketOptions?.MarketType !== undefined)
    throw new Ec2Refusal(
      "InvalidParameterCombination",
      "The launch template of a fleet must not have InstanceMarketOptions: the fleet decides on the market.",
    );
  const overrides = config.Overrides ?? [];
  return (overrides.length === 0 ? [{}] : overrides).map((override) => ({ found, override }));
}

function showFleet(FleetId: string, filled: readonly Filled[]): Ec2Answer {
  return {
    FleetId,
    Errors: filled.flatMap(({ errors }) => errors.map(showError)),
    Instances: filled.flatMap(({ market, starts }) =>
      starts.map(({ pool, launch, subnet, instances }) => ({
        LaunchTemplateAndOverrides: showPool(pool.found, {
          ...pool.override,
          InstanceType: launch.type.name,
          AvailabilityZone: subnet.zone,
          SubnetId: subnet.id,
        }),
        Lifecycle: market,
        InstanceIds: instances.map(({ id }) => id),
        InstanceType: launch.type.name,
      })),
    ),
  };
}

function showError({ pool, market, code, message }: FleetError): Ec2Answer {
  return {
    LaunchTemplateAndOverrides: showPool(pool.found, pool.override),
    Lifecycle: market,
    ErrorCode: code,
    ErrorMessage: message,
  };
}

function showPool({ template, version }: FoundVersion, override: FleetOverride): Ec2Answer {
  const { InstanceType, SubnetId, AvailabilityZone, Priority, MaxPrice } = override;
  return {
    LaunchTemplateSpecification: { LaunchTemplateId: template.id, Version: String(version.number) },
    Overrides: { InstanceType, SubnetId, AvailabilityZone, Priority, MaxPrice },
  };
}
