/** The official client, as a pool's calls need it. */
import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { SECOND_MS } from "../../domain/units.ts";
import type { Ec2Calls, Ec2Sender } from "../aws/ec2-clients.ts";
import type { Ec2ProviderOptions } from "./settings.ts";

/** Less than the least that is left of a lease when a machine's end is asked for. */
const ANSWER_TIMEOUT_MS = 10 * SECOND_MS;
const CONNECTION_TIMEOUT_MS = 5 * SECOND_MS;
/** An instant fleet is started before it is answered. */
const LAUNCH_TIMEOUT_MS = 60 * SECOND_MS;
const READ_TRIES_MAX = 3;
const SOCKETS_MAX = 50;

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
  const handler = (requestTimeout: number) => ({
    requestTimeout,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    throwOnRequestTimeout: true,
    httpsAgent: { maxSockets: SOCKETS_MAX },
    httpAgent: { maxSockets: SOCKETS_MAX },
  });
  return {
    read: new EC2Client({ ...shared, maxAttempts: READ_TRIES_MAX, requestHandler: handler(patience.answerMs) }),
    write: new EC2Client({ ...shared, maxAttempts: 1, requestHandler: handler(patience.answerMs) }),
    launch: new EC2Client({ ...shared, maxAttempts: 1, requestHandler: handler(patience.launchMs) }),
  };
}
