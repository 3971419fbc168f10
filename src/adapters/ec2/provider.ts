/**
 * Machines that are EC2 instances, one each. Every call is the controller's: an instance needs no AWS permission at all.
 *
 * A launch is one call with one token, drafted and stored before it is made (`order.ts`, `launch.ts`). All that it makes
 * carries our tags from the start, so a listing finds it whatever happened to us. Instances end by
 * `TerminateInstances` alone; a fleet is never deleted, because that would end all its instances.
 */
import type { LaunchId, ProviderId } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { MachinePermit } from "../../domain/permit.ts";
import type { LaunchRequest, LaunchTenure, Provider, ProviderAbilities } from "../../ports/provider.ts";
import { Batch } from "../aws/batch.ts";
import { createConsoles } from "../aws/consoles.ts";
import { launchTags } from "../aws/tags.ts";
import { ENDINGS_AT_ONCE_MAX, endInstances } from "../aws/terminate.ts";
import { Census } from "./census.ts";
import { checkSettings } from "./check.ts";
import { createClients } from "./client.ts";
import { Interruptions } from "./interruptions.ts";
import { carryOut, epochOf, type LaunchContext, type Recovery } from "./launch.ts";
import { type ListContext, listMachines, readByIds } from "./list.ts";
import { draftOrder, onDemandCountOf, readOrder, writeOrder } from "./order.ts";
import { Places } from "./places.ts";
import { Rests } from "./rests.ts";
import { createVersionReader } from "./runner-version.ts";
import type { Ec2ProviderOptions } from "./settings.ts";
import { createStandby } from "./standby.ts";
import { Templates } from "./templates.ts";
import { Untried } from "./untried.ts";

export { isInstanceId } from "../aws/instance-id.ts";
export type { Ec2ProviderOptions } from "./settings.ts";

/** Ids of one batch of readings: `describe.ts` makes as many calls of them as it takes. */
const READS_AT_ONCE_MAX = 2_000;

export type Ec2Provider = Provider & ProviderAbilities;

export function createEc2Provider(options: Ec2ProviderOptions): Ec2Provider {
  const { settings, clock, controllerId, pool } = options;
  const clients = createClients(options);
  const owner = { controllerId, pool };
  const rests = new Rests(clock);
  const interruptions = new Interruptions(clock);
  const census = new Census();
  const places = new Places(clients, settings);
  const templates = new Templates(clients, options);
  const recoveries = new Map<LaunchId, Recovery>();
  const untried = new Untried();
  const ending = { clients, clock, owner, refused: new Set<ProviderId>() };
  const terminations = new Batch<MachinePermit, void>({
    clock,
    countMax: ENDINGS_AT_ONCE_MAX,
    work: (permits) => endInstances(ending, "terminate", permits),
  });
  const experience = { rests, interruptions, learned: new Set<string>() };
  const reading = { clients, owner, clock, census, places, tags: settings.tags, ...experience };
  const reads = new Batch<ProviderId, ObservedMachine>({
    clock,
    countMax: READS_AT_ONCE_MAX,
    work: (ids) => readByIds(reading, ids),
  });
  const listing: ListContext = { ...reading, reads };
  const launching: LaunchContext = {
    clients,
    owner,
    clock,
    rests,
    interruptions,
    settings,
    recoveries,
    untried,
    onSettingsRefused: () => templates.forget(),
    onStarted: (count, onDemandCount) => census.noteStarted(count, onDemandCount),
  };
  const draft = async (request: LaunchRequest, tenure?: LaunchTenure): Promise<string> => {
    const { launchId, machines } = request;
    const machineIds = machines.map(({ machineId }) => machineId);
    const parts = {
      settings,
      rests,
      interruptions,
      places: await places.read(),
      template: await templates.ensure(),
      launchId,
      count: machineIds.length,
      onDemandCount: onDemandCountOf(settings, census.standing(), machineIds.length),
      tags: launchTags(owner, settings.tags, launchId, machineIds),
      nowMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
    };
    const order = writeOrder(draftOrder(parts));
    untried.note(request, epochOf(tenure));
    return order;
  };
  return {
    launch: async (request, tenure) => carryOut(launching, readOrder(request.order), request, tenure),
    list: (which) => listMachines(listing, which),
    terminate: (permit) => terminations.add(permit),
    readRunnerVersion: createVersionReader(clients, options),
    check: () => checkSettings({ clients, options }),
    orders: { draftsFor: () => true, draft, readObstacles: () => [...rests.describe(), ...interruptions.describe()] },
    standby: createStandby(ending),
    consoles: createConsoles(clients),
    hints: null,
    group: null,
  };
}
