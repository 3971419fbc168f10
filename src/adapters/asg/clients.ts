/**
 * The official clients of both services, or what answers in their place: nothing here needs more of them than `send`.
 */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import type { Ec2Calls } from "../aws/ec2-clients.ts";
import { ANSWER_TIMEOUT_MS, READ_TRIES_MAX, transport, WRITE_TRIES_MAX } from "../aws/transport.ts";
import { ForeignClock } from "./foreign-clock.ts";
import type { AsgProviderOptions } from "./settings.ts";

export type GroupSender = Pick<AutoScalingClient, "send">;

export interface GroupCalls {
  /** Repeats what fails in passing. */
  readonly read: GroupSender;
  /** Never repeats a call. */
  readonly write: GroupSender;
}

export interface AsgClients {
  readonly ec2: Ec2Calls;
  readonly groups: GroupCalls;
  /** How far AWS's clock is ahead of ours, by its last answer. */
  aheadMs(): number;
}

export function createClients({
  settings,
  credentials,
  clock,
}: Pick<AsgProviderOptions, "settings" | "credentials" | "clock">): AsgClients {
  const shared = {
    region: settings.region,
    requestHandler: transport(ANSWER_TIMEOUT_MS),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const ec2 = { ...shared, ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }) };
  const { autoScalingEndpoint } = settings;
  const groups = { ...shared, ...(autoScalingEndpoint === null ? {} : { endpoint: autoScalingEndpoint }) };
  const foreign = new ForeignClock(clock);
  const reader = new AutoScalingClient({ ...groups, maxAttempts: READ_TRIES_MAX });
  foreign.watch(reader);
  return {
    aheadMs: () => foreign.aheadMs(),
    ec2: {
      read: new EC2Client({ ...ec2, maxAttempts: READ_TRIES_MAX }),
      write: new EC2Client({ ...ec2, maxAttempts: WRITE_TRIES_MAX }),
    },
    groups: {
      read: reader,
      write: new AutoScalingClient({ ...groups, maxAttempts: WRITE_TRIES_MAX }),
    },
  };
}
