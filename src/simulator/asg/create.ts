/** Auto Scaling on top of an EC2, and groups in it. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { LaunchTemplateSpecification } from "../ec2/api.ts";
import type { Market } from "../ec2/options.ts";
import type { Ec2State } from "../ec2/state.ts";
import { launchMember } from "./join.ts";
import { settle } from "./life.ts";
import type { AsgLags, AsgOptions, AsgTimes } from "./options.ts";
import type { AsgState, Group, Hook, Process, WarmPool } from "./state.ts";

const DEFAULTS: Omit<AsgOptions, "chance"> = {
  times: {
    reactionMs: [SECOND_MS, 10 * SECOND_MS],
    beginMs: [0, SECOND_MS],
    proceedMs: [0, 2 * SECOND_MS],
    asideMs: [SECOND_MS, 10 * SECOND_MS],
    healthCheckMs: [15 * SECOND_MS, MINUTE_MS],
    launchRetryMs: [30 * SECOND_MS, 2 * MINUTE_MS],
    replacementPauseMs: [MINUTE_MS, 5 * MINUTE_MS],
  },
  lags: { readingMs: [0, 0], omittedShare: 0 },
};

/** What is left out is as AWS documents it, and without lag. */
export interface AsgSetup {
  readonly times?: Partial<AsgTimes>;
  readonly lags?: Partial<AsgLags>;
}

export function createAsg(ec2: Ec2State, { times, lags }: AsgSetup = {}): AsgState {
  return {
    ec2,
    options: {
      chance: ec2.options.chance.fork("auto scaling"),
      times: { ...DEFAULTS.times, ...times },
      lags: { ...DEFAULTS.lags, ...lags },
    },
    groups: new Map(),
    faults: [],
    callCounts: new Map(),
    views: new Map(),
    changes: [],
    givenNumbers: new Map(),
  };
}

export interface HookSetup {
  readonly name: string;
  readonly transition?: Hook["transition"];
  /** 3600 unless given. */
  readonly heartbeatTimeoutSeconds?: number;
  /** ABANDON unless given. */
  readonly defaultResult?: Hook["defaultResult"];
}

/** A group as it is created; what is left out is AWS's own default. */
export interface GroupSetup {
  readonly name: string;
  /** One that EC2 has. */
  readonly launchTemplate: LaunchTemplateSpecification;
  readonly market?: Market;
  /** One in each of EC2's zones unless given. */
  readonly subnetIds?: readonly string[];
  /** Put on its instances as well. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly minSize?: number;
  readonly maxSize: number;
  readonly desired?: number;
  readonly cooldownSeconds?: number;
  readonly graceSeconds?: number;
  readonly terminationPolicies?: readonly string[];
  readonly isNewProtected?: boolean;
  readonly lifetimeSeconds?: number;
  readonly isCapacityRebalanced?: boolean;
  readonly retention?: Group["retention"];
  readonly warmPool?: Partial<WarmPool> | null;
  readonly hooks?: readonly HookSetup[];
  readonly suspended?: readonly Process[];
}

const COOLDOWN_SECONDS = 300;

/** Its members are launched at once; what they need, they need from then on. */
export function createGroup(state: AsgState, setup: GroupSetup, nowMs: number): Group {
  const minSize = setup.minSize ?? 0;
  const group: Group = {
    name: setup.name,
    createdAtMs: nowMs,
    launchTemplate: setup.launchTemplate,
    market: setup.market ?? "on-demand",
    subnetIds: setup.subnetIds ?? state.ec2.options.subnets.map(({ id }) => id),
    tags: new Map(Object.entries(setup.tags ?? {})),
    minSize,
    maxSize: setup.maxSize,
    desired: setup.desired ?? minSize,
    cooldownMs: (setup.cooldownSeconds ?? COOLDOWN_SECONDS) * SECOND_MS,
    graceMs: (setup.graceSeconds ?? 0) * SECOND_MS,
    terminationPolicies: setup.terminationPolicies ?? ["Default"],
    isNewProtected: setup.isNewProtected ?? false,
    lifetimeMs: (setup.lifetimeSeconds ?? 0) * SECOND_MS,
    isCapacityRebalanced: setup.isCapacityRebalanced ?? false,
    retention: setup.retention ?? "terminate",
    warmPool: readWarmPool(setup.warmPool),
    hooks: new Map((setup.hooks ?? []).map((hook) => [hook.name, readHook(hook)])),
    suspended: new Set(setup.suspended ?? []),
    members: new Map(),
    activities: [],
    refreshes: [],
    rebalancing: new Set(),
    reactsAtMs: null,
    wakesAtMs: null,
    launchesFromMs: nowMs,
    replacesFromMs: nowMs,
    cooldownUntilMs: nowMs,
    lastCause: "a user request created an AutoScalingGroup.",
    version: 1,
  };
  state.groups.set(group.name, group);
  for (let count = 0; count < group.desired; count += 1)
    launchMember({ state, group, nowMs }, { into: "service", cause: group.lastCause, zone: null });
  settle(state, nowMs);
  return group;
}

function readWarmPool(given: Partial<WarmPool> | null | undefined): WarmPool | null {
  if (given === null || given === undefined) return null;
  return { minSize: 0, maxPreparedCount: null, poolState: "Stopped", isReusedOnScaleIn: false, ...given };
}

function readHook({ name, transition, heartbeatTimeoutSeconds, defaultResult }: HookSetup): Hook {
  return {
    name,
    transition: transition ?? "terminating",
    heartbeatTimeoutMs: heartbeatTimeoutSeconds === undefined ? HOUR_MS : heartbeatTimeoutSeconds * SECOND_MS,
    defaultResult: defaultResult ?? "ABANDON",
  };
}
