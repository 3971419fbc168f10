/**
 * Who came into the group for a launch: what the group started since, and what it drew from its reserve. What a person puts
 * into it meanwhile runs whatever it ran before: it is nobody's answer, and is adopted like any other that was there. So is
 * what came for a launch of a later store, where this one is a backup.
 */
import type { Instance } from "@aws-sdk/client-ec2";
import { MINUTE_MS } from "../../domain/units.ts";
import { describeByIds } from "../aws/describe.ts";
import { isAnothers } from "../aws/states.ts";
import type { Owner } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";
import type { GroupReading } from "./group.ts";
import { isCounted } from "./lifecycle.ts";
import type { OpenLaunches } from "./open-launches.ts";
import type { Order, Origin } from "./order.ts";
import { hadRow } from "./row-marks.ts";

/** EC2 tells the second of a launch, and AWS's clock is known by an answer that was on its way for a while. */
const LAUNCH_LAG_MS = MINUTE_MS;

interface ArrivalsContext {
  readonly clients: AsgClients;
  readonly owner: Owner;
  readonly launches: OpenLaunches;
}

/** @throws {ProviderError} `provider-unavailable` where EC2 could not be asked since when they run. */
export async function findArrivals(
  { clients, owner, launches }: ArrivalsContext,
  { members }: GroupReading,
  { before, origin }: Order,
): Promise<readonly string[]> {
  const known = new Set(before);
  const came = members
    .filter(({ id, lifecycle }) => isCounted(lifecycle) && !known.has(id) && !launches.isTaken(id))
    .map(({ id }) => id);
  if (origin === undefined) return came;
  const reserve = new Set(origin.reserve);
  const instances = await describeByIds(clients.ec2, came);
  return came.filter((id) => {
    const instance = instances.get(id);
    if (hadRow(instance, owner.controllerId)) return false;
    return reserve.has(id) || !isPutThere(instance, origin, owner);
  });
}

/** What EC2 does not show yet has just been started. */
function isPutThere(instance: Instance | undefined, { draftedAtForeignMs }: Origin, { controllerId }: Owner): boolean {
  if (instance === undefined) return false;
  const startedAtMs = instance.LaunchTime?.getTime() ?? draftedAtForeignMs;
  return startedAtMs < draftedAtForeignMs - LAUNCH_LAG_MS || isAnothers(instance, controllerId);
}
