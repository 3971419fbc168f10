/**
 * A group of a test: members, hooks and instances as plain data, answered as the official clients would be. Whatever a test
 * wants to go wrong it puts in place of an answer.
 */
import type { AsgClients } from "../../../src/adapters/asg/clients.ts";
import { type AsgProvider, createAsgProvider } from "../../../src/adapters/asg/provider.ts";
import type { AsgProviderOptions, AsgSettings } from "../../../src/adapters/asg/settings.ts";
import { GROUP_TAG } from "../../../src/adapters/aws/tags.ts";
import { parseControllerId, parseProviderId } from "../../../src/domain/ids.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { poolName, START_MS } from "../../domain/builders.ts";
import { type Answer, ec2Error, type Sent } from "../ec2/fake-client.ts";
import { handClock } from "../ec2/stage.ts";

export const GROUP = "runners";
export const OWNER = { controllerId: parseControllerId("ci-test"), pool: poolName() };

export const idOf = (number: number) => parseProviderId(`i-${number.toString(16).padStart(8, "0")}`);

export interface FakeMember {
  lifecycle: string;
  ec2: string | null;
  launchedAtMs: number;
  isProtected: boolean;
  group: string | null;
  tags: Record<string, string>;
  stateReason?: string;
}

export interface FakeHook {
  readonly name: string;
  readonly transition?: "TERMINATING" | "LAUNCHING";
  readonly heartbeatSeconds?: number;
  readonly defaultResult?: string;
}

export interface FakeGroup {
  readonly clients: AsgClients;
  readonly sent: Sent[];
  inputs(call: string): readonly Sent["input"][];
  /** Calls that change something. */
  writes(): readonly string[];
  readonly members: Map<string, FakeMember>;
  /** Null: there is no such group. */
  size: { min: number; max: number; desired: number } | null;
  hooks: readonly FakeHook[];
  activities: object[];
  /** More of what the group says of itself. */
  more: Record<string, unknown>;
  hasReserve: boolean;
  /** How far AWS's clock is ahead. */
  aheadMs: number;
  /** Instead of what the group would answer. */
  answers: Record<string, Answer>;
  add(number: number, member?: Partial<FakeMember>): string;
}

const isReserve = (lifecycle: string) => lifecycle.startsWith("Warmed:");

function fakeGroup(): FakeGroup {
  const sent: Sent[] = [];
  const group: FakeGroup = {
    sent,
    inputs: (call) => sent.filter((one) => one.call === call).map(({ input }) => input),
    writes: () => sent.map(({ call }) => call).filter((call) => !/^(?:Describe|Get)/.test(call)),
    members: new Map(),
    size: { min: 0, max: 10, desired: 0 },
    hooks: [],
    activities: [],
    more: {},
    hasReserve: false,
    aheadMs: 0,
    answers: {},
    clients: {} as AsgClients,
    add: (number, member = {}) => {
      const id = idOf(number);
      const launchedAtMs = member.lifecycle === "Pending" ? START_MS : START_MS - 60 * MINUTE_MS;
      const plain = { lifecycle: "InService", ec2: "running", launchedAtMs, isProtected: true };
      group.members.set(id, { ...plain, group: GROUP, tags: {}, ...member });
      return id;
    },
  };
  const send = async (command: { readonly input: unknown; readonly constructor: { readonly name: string } }) => {
    const call = command.constructor.name.replace(/Command$/, "");
    sent.push({ call, input: command.input });
    const answer = group.answers[call] ?? PLAIN[call]?.(group);
    if (answer === undefined) throw new Error(`nobody said what ${call} answers`);
    return answer(command.input, group.inputs(call).length);
  };
  const client = { send };
  Object.assign(group.clients, {
    ec2: { read: client, write: client },
    groups: { read: client, write: client },
    aheadMs: () => group.aheadMs,
  });
  return group;
}

/** What the group answers by itself; it does nothing of its own accord. */
export const PLAIN: Record<string, (group: FakeGroup) => Answer> = {
  DescribeAutoScalingGroups: (group) => () => ({
    AutoScalingGroups:
      group.size === null
        ? []
        : [
            {
              AutoScalingGroupName: GROUP,
              MinSize: group.size.min,
              MaxSize: group.size.max,
              DesiredCapacity: group.size.desired,
              Instances: membersOf(group).filter(({ LifecycleState }) => !isReserve(LifecycleState)),
              ...(group.hasReserve ? { WarmPoolConfiguration: { MinSize: 0 } } : {}),
              ...group.more,
            },
          ],
  }),
  DescribeWarmPool: (group) => () => ({
    Instances: membersOf(group).filter(({ LifecycleState }) => isReserve(LifecycleState)),
  }),
  DescribeAutoScalingInstances:
    (group) =>
    ({ InstanceIds }) => ({
      AutoScalingInstances: [...group.members].flatMap(([InstanceId, { lifecycle, isProtected, group: name }]) =>
        name !== null && InstanceIds.includes(InstanceId)
          ? [
              {
                InstanceId,
                LifecycleState: lifecycle,
                ProtectedFromScaleIn: isProtected,
                AutoScalingGroupName: name,
              },
            ]
          : [],
      ),
    }),
  DescribeLifecycleHooks: (group) => () => ({
    LifecycleHooks: group.hooks.map(({ name, transition = "TERMINATING", heartbeatSeconds, defaultResult }) => ({
      LifecycleHookName: name,
      LifecycleTransition: `autoscaling:EC2_INSTANCE_${transition}`,
      HeartbeatTimeout: heartbeatSeconds,
      DefaultResult: defaultResult,
    })),
  }),
  DescribeScalingActivities: (group) => () => ({ Activities: group.activities }),
  DescribeInstances:
    (group) =>
    ({ Filters, InstanceIds }) => ({
      Reservations: [
        {
          Instances: [...group.members].flatMap(([InstanceId, member]) => {
            const tags = tagsOf(member);
            const isMeant =
              InstanceIds?.includes(InstanceId) ??
              Filters.every(({ Name, Values }: { Name: string; Values: string[] }) =>
                Values.includes(tags[Name.replace(/^tag:/, "")] ?? ""),
              );
            if (member.ec2 === null || !isMeant) return [];
            return [
              {
                InstanceId,
                State: { Name: member.ec2 },
                ...(member.stateReason === undefined ? {} : { StateReason: { Code: member.stateReason } }),
                LaunchTime: new Date(member.launchedAtMs),
                Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
              },
            ];
          }),
        },
      ],
    }),
  CreateTags:
    (group) =>
    ({ Resources, Tags }) => {
      for (const id of Resources)
        for (const { Key, Value } of Tags) Object.assign(group.members.get(id)?.tags ?? {}, { [Key]: Value });
      return {};
    },
  SetDesiredCapacity:
    (group) =>
    ({ DesiredCapacity }) => {
      if (group.size !== null) group.size.desired = DesiredCapacity;
      return {};
    },
  SetInstanceProtection:
    (group) =>
    ({ InstanceIds, ProtectedFromScaleIn }) => {
      for (const id of InstanceIds) Object.assign(group.members.get(id) ?? {}, { isProtected: ProtectedFromScaleIn });
      return {};
    },
  TerminateInstanceInAutoScalingGroup:
    (group) =>
    ({ InstanceId, ShouldDecrementDesiredCapacity }) => {
      const { size } = group;
      if (size !== null && ShouldDecrementDesiredCapacity && size.desired <= size.min) throw atMinimum();
      if (size !== null && ShouldDecrementDesiredCapacity) size.desired -= 1;
      const member = group.members.get(InstanceId);
      if (member !== undefined) member.lifecycle = group.hooks.length > 0 ? "Terminating:Wait" : "Terminating";
      return {};
    },
  CompleteLifecycleAction: () => () => ({}),
  RecordLifecycleActionHeartbeat: () => () => ({}),
  TerminateInstances: () => () => ({}),
};

function membersOf(group: FakeGroup) {
  return [...group.members].flatMap(([InstanceId, { lifecycle, isProtected, group: name }]) =>
    name === GROUP ? [{ InstanceId, LifecycleState: lifecycle, ProtectedFromScaleIn: isProtected }] : [],
  );
}

function tagsOf({ group, tags }: FakeMember): Record<string, string> {
  return group === null ? tags : { ...tags, [GROUP_TAG]: group };
}

export function atMinimum(): Error {
  const text =
    "Currently, desiredSize equals minSize (1). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.";
  return ec2Error("ValidationError", text);
}

/** The group's word that it waits with this member's end. */
export function endsSince(id: string, sinceMs = START_MS): object {
  return {
    Description: `Terminating EC2 instance: ${id}`,
    StartTime: new Date(sinceMs),
    StatusCode: "MidTerminatingLifecycleAction",
  };
}

export function noAction(id: string): Error {
  return ec2Error("ValidationError", `No active Lifecycle Action found with instance ID ${id}`);
}

export function settingsOf(changes: Partial<AsgSettings> = {}): AsgSettings {
  return {
    region: "eu-central-1",
    group: GROUP,
    scaling: "holdfast",
    endpoint: null,
    autoScalingEndpoint: null,
    longestJobSeconds: 21_600,
    ...changes,
  };
}

export interface Stage {
  readonly group: FakeGroup;
  readonly provider: AsgProvider;
  readonly clock: ReturnType<typeof handClock>;
  /** As a process that begins anew: it remembers nothing. */
  restarted(more?: Partial<AsgProviderOptions>): AsgProvider;
}

export function stage(
  changes: Partial<AsgSettings> = {},
  options: Partial<AsgProviderOptions> = {},
  clock = handClock(),
): Stage {
  const group = fakeGroup();
  const open = (more: Partial<AsgProviderOptions> = {}) =>
    createAsgProvider(
      {
        ...OWNER,
        settings: settingsOf(changes),
        clock,
        machineCountMax: 10,
        isObserving: false,
        ...options,
        ...more,
      },
      group.clients,
    );
  return { group, provider: open(), clock, restarted: open };
}
