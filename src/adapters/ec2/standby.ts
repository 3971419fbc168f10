/** Machines that wait stopped: they cost their volumes only, and start faster than new ones. */
import { StartInstancesCommand } from "@aws-sdk/client-ec2";
import type { ProviderError } from "../../domain/errors.ts";
import type { MachinePermit } from "../../domain/permit.ts";
import type { Standby } from "../../ports/provider.ts";
import { Batch } from "../aws/batch.ts";
import type { Ec2Calls } from "../aws/ec2-clients.ts";
import { toLaunchError, toUnavailable } from "../aws/errors.ts";
import { ENDINGS_AT_ONCE_MAX, type EndingContext, endInstances } from "../aws/terminate.ts";

/** Spot instances that were asked for once cannot be stopped; a pool that keeps stopped machines has them on-demand. */
export function createStandby(context: EndingContext): Standby {
  const stops = new Batch<MachinePermit, void>({
    clock: context.clock,
    countMax: ENDINGS_AT_ONCE_MAX,
    work: (permits) => endInstances(context, "stop", permits),
  });
  return {
    stop: (permit) => stops.add(permit),
    start: (providerId) => start(context.clients, providerId),
  };
}

/** One by one: where there is no room, those that there is room for start. Starting what runs changes nothing. */
async function start(clients: Ec2Calls, providerId: string): Promise<void> {
  try {
    await clients.write.send(new StartInstancesCommand({ InstanceIds: [providerId] }));
  } catch (error) {
    throw toStartError(error, `starting instance ${providerId} again`);
  }
}

/** Refused as a thing to start it was, not as settings of the pool. */
function toStartError(error: unknown, attempted: string): ProviderError {
  const refused = toLaunchError(error, attempted);
  return refused.code === "provider-invalid" ? toUnavailable(error, attempted) : refused;
}
