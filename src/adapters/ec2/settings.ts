/** What a pool of EC2 instances is made from. Plain data without a secret: it is stored, and its hash tells machines apart. */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";

/**
 * `spot` and `on-demand`: nothing else. `spot-then-on-demand`: spot, and on-demand for as long as spot has no room in any
 * of the pool's types and zones.
 */
export type Market = "spot" | "on-demand" | "spot-then-on-demand";
export const MARKETS = ["spot-then-on-demand", "spot", "on-demand"] as const satisfies readonly Market[];

export const SPOT_ALLOCATIONS = [
  "price-capacity-optimized",
  "capacity-optimized",
  "capacity-optimized-prioritized",
  "diversified",
  "lowest-price",
] as const;
export const ON_DEMAND_ALLOCATIONS = ["lowest-price", "prioritized"] as const;
export const TENANCIES = ["default", "dedicated", "host"] as const;
export const VOLUME_TYPES = ["gp3", "gp2", "io2", "io1"] as const;

export interface Ec2Settings {
  readonly region: string;
  /** Null: the region's own. Without a slash at the end. */
  readonly endpoint: string | null;
  readonly subnets: readonly string[];
  /** Empty only where the launch template names some. */
  readonly securityGroups: readonly string[];
  /** In order of preference, which counts for the allocations that ask for one. */
  readonly instanceTypes: readonly string[];
  /** An image's id or `resolve:ssm:PARAMETER`; null only where the launch template names one. */
  readonly image: string | null;
  /** The user's own, which ours is built on. */
  readonly launchTemplate: { readonly id: string; readonly version: string } | null;
  readonly market: Market;
  /** So many machines of the pool are on-demand before the market counts. */
  readonly onDemandBase: number;
  /** Of the machines above the base. */
  readonly onDemandPercent: number;
  readonly spotAllocation: (typeof SPOT_ALLOCATIONS)[number];
  readonly onDemandAllocation: (typeof ON_DEMAND_ALLOCATIONS)[number];
  /** Dollars an hour; null: at most the on-demand price. */
  readonly spotMaxPrice: string | null;
  readonly tenancy: (typeof TENANCIES)[number];
  /** The ARN of a host resource group; only with tenancy `host`. */
  readonly hostResourceGroup: string | null;
  /** Name or ARN. The machines themselves need none. */
  readonly instanceProfile: string | null;
  /** Null: as the subnet has it. */
  readonly publicAddress: boolean | null;
  /** The root volume; null: as the image has it. */
  readonly volume: VolumeSettings | null;
  /** How many network hops the instance's metadata may take: 1 keeps it from containers. */
  readonly metadataHops: number;
  /** On instances, volumes and interfaces, besides our own. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface VolumeSettings {
  readonly sizeGib: number | null;
  readonly type: (typeof VOLUME_TYPES)[number];
  readonly iops: number | null;
  readonly throughputMib: number | null;
  /** A key's id, alias or ARN; null: the account's own for volumes. */
  readonly kmsKey: string | null;
}

/** What the machines' own software is made from. */
export interface HostSettings {
  readonly runnerDirectory: string;
  readonly runnerUser: string;
  /** Where the runner is fetched from that the image does not have; null: the image has it. */
  readonly runnerDownload: RunnerDownload | null;
  readonly runnerEnvironment: Readonly<Record<string, string>>;
}

export interface RunnerDownload {
  readonly url: string;
  readonly sha256: string;
  readonly version: string;
}

/** The agent as the controller serves it: a tar archive, gzipped, with `launcher` and all that it imports. */
export interface AgentBundle {
  readonly url: string;
  readonly sha256: string;
  /** The file in it that is run. */
  readonly entry: string;
}

export interface Ec2ProviderOptions {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  readonly settings: Ec2Settings;
  readonly host: HostSettings;
  readonly bundle: AgentBundle;
  /** Where the agents reach the controller. */
  readonly controllerUrl: string;
  readonly clock: Clock;
  /** Whether some of its machines wait stopped: the permissions for it are tried only then. Default: false. */
  readonly keepsStopped?: boolean;
  /** Default: those that the SDK finds (variables, profile, the role of the machine that we run on). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}
