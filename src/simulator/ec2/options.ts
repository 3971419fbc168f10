/** What a simulated EC2 is told of its region, its account and its habits before it begins. */
import type { Chance, Range } from "../world/chance.ts";

export type Market = "spot" | "on-demand";

/** Of one type. */
export interface InstanceTypeOption {
  readonly name: string;
  readonly vcpuCount: number;
  readonly memoryMib: number;
  readonly architecture: "x86_64" | "arm64";
  /** US dollars an hour, on demand; spot costs `spotPriceShare` of it. */
  readonly hourlyPrice: number;
  /** Where it can be had; in every zone unless given. */
  readonly zones?: readonly string[];
}

export interface SubnetOption {
  readonly id: string;
  readonly zone: string;
  readonly vpcId: string;
  /** How many network interfaces fit into it. */
  readonly addressCount: number;
}

export interface SecurityGroupOption {
  readonly id: string;
  readonly name: string;
  readonly vpcId: string;
}

export interface ImageOption {
  readonly id: string;
  readonly name: string;
  readonly architecture: "x86_64" | "arm64";
  readonly state: "available" | "pending" | "deregistered";
  readonly rootDeviceName: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A dedicated host. */
export interface HostOption {
  readonly id: string;
  readonly zone: string;
  readonly instanceCountMax: number;
}

/** Calls an account may make: a bucket that holds `burst` and gets `perSecond` again. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * The buckets of calls: readings, readings of everything without a page size, changes, and the dearest change. And those of
 * instances: how many may be started, ended, or stopped and started again.
 */
export interface Rates {
  readonly reading: Rate;
  readonly unpagedReading: Rate;
  readonly change: Rate;
  readonly runInstances: Rate;
  readonly startedInstances: Rate;
  readonly endedInstances: Rate;
  readonly restartedInstances: Rate;
}

/** How long things take; each is drawn for each instance. */
export interface Ec2Times {
  readonly pendingMs: Range;
  readonly shuttingDownMs: Range;
  readonly stoppingMs: Range;
  /** An ended instance is known for so long. */
  readonly terminatedMs: Range;
  /** Between a spot interruption's notice and the end. */
  readonly noticeMs: number;
  /** A ClientToken is remembered for so long after the last of its instances has ended. */
  readonly tokenMs: number;
  /** The system's and the instance's status checks say `initializing` for so long. */
  readonly statusChecksMs: Range;
}

/** How late readings are. */
export interface Ec2Lags {
  /** A fresh instance is not found by its id. */
  readonly freshIdMs: Range;
  /** A fresh instance is in no listing that is filtered or whole; never less than the lag by id. */
  readonly listingMs: Range;
  /** A listing still shows an instance's last state. */
  readonly stateMs: Range;
  /** A fresh launch template, or a fresh version of one, is not found. */
  readonly launchTemplateMs: Range;
}

export interface Ec2Options {
  readonly chance: Chance;
  readonly region: string;
  readonly accountId: string;
  readonly zones: readonly string[];
  readonly instanceTypes: readonly InstanceTypeOption[];
  readonly subnets: readonly SubnetOption[];
  readonly securityGroups: readonly SecurityGroupOption[];
  readonly images: readonly ImageOption[];
  readonly hosts: readonly HostOption[];
  readonly spotPriceShare: number;
  /** Null: as many calls as anybody likes. */
  readonly rates: Rates | null;
  readonly times: Ec2Times;
  readonly lags: Ec2Lags;
  /** The share of calls to end an instance that say what they always say and change nothing, by instance. */
  readonly ignoredEndingShare: number;
  /** The share of instances that never leave `pending`: they end with Server.InsufficientInstanceCapacity. */
  readonly failedPendingShare: number;
  /**
   * The caller may end, stop, start and change only what carries this tag. An instance that is no longer known carries
   * none: then 403 is the answer, and not that it is not found. Null: everything.
   */
  readonly tagScope: { readonly key: string; readonly value: string } | null;
}
