/** The official client, as a pool's calls need it. */
import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { SECOND_MS } from "../../domain/units.ts";
import type { Ec2Calls, Ec2Sender } from "../aws/ec2-clients.ts";
import { ANSWER_TIMEOUT_MS, READ_TRIES_MAX, transport, WRITE_TRIES_MAX } from "../aws/transport.ts";
import type { Ec2ProviderOptions } from "./settings.ts";

/** An instant fleet is started before it is answered. */
const LAUNCH_TIMEOUT_MS = 60 * SECOND_MS;

export interface Ec2Clients extends Ec2Calls {
  /** As `write`, with the patience that a launch needs. */
  readonly launch: Ec2Sender;
}

interface Patience {
  readonly answerMs: number;
  readonly launchMs: number;
}

const PATIENCE: Patience = { answerMs: ANSWER_TIMEOUT_MS, launchMs: LAUNCH_TIMEOUT_MS };

export function createClients(
  { settings, credentials }: Pick<Ec2ProviderOptions, "settings" | "credentials">,
  patience: Patience = PATIENCE,
): Ec2Clients {
  const shared: EC2ClientConfig = {
    region: settings.region,
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const open = (maxAttempts: number, answerMs: number) =>
    new EC2Client({ ...shared, maxAttempts, requestHandler: transport(answerMs) });
  return {
    read: open(READ_TRIES_MAX, patience.answerMs),
    write: open(WRITE_TRIES_MAX, patience.answerMs),
    launch: open(WRITE_TRIES_MAX, patience.launchMs),
  };
}
