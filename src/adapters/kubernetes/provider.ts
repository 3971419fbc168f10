/**
 * Machines that are pods, one each, in one namespace. Every call is the controller's: a pod needs no permission at all.
 *
 * A pod's name is its machine's, so that a launch that is repeated meets what it made. All that it makes carries our labels
 * from the start, so a listing finds it whatever happened to us. A pod ends by a deletion of the very version that was judged.
 */
import type { ProviderId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { parsePodProviderId } from "../../domain/pod/provider-id.ts";
import type { Provider, ProviderAbilities } from "../../ports/provider.ts";
import { Budget } from "./budget.ts";
import { checkSettings } from "./check.ts";
import { createClients, type KubernetesClients } from "./client.ts";
import { createConsoles } from "./consoles.ts";
import { launchPods, type Outcome } from "./launch.ts";
import { listAll, listByIds } from "./list.ts";
import { createNodeReader } from "./nodes.ts";
import { readOrder, writeOrder } from "./order.ts";
import { Rests } from "./rests.ts";
import { runnerVersionOf } from "./runner-version.ts";
import type { KubernetesProviderOptions } from "./settings.ts";
import { Settled } from "./settled.ts";
import { Sights } from "./sights.ts";
import { endPod } from "./terminate.ts";
import { createHints } from "./watch.ts";

export type KubernetesProvider = Provider & ProviderAbilities;

/**
 * @param clients those that the pool's credentials make, unless given.
 * @throws {ProviderError} `provider-invalid` where the cluster's credentials cannot be read.
 */
export function createKubernetesProvider(
  options: KubernetesProviderOptions,
  clients: KubernetesClients = createClients(options.settings.access, options.clock),
): KubernetesProvider {
  const { settings, clock, random, controllerId, pool } = options;
  const { namespace } = settings;
  const owner = { controllerId, pool };
  const sights = new Sights(clock);
  const rests = new Rests(clock);
  const settled = new Settled<Outcome>(clock);
  const budget = new Budget({ clients, owner, namespace, clock, isObserving: options.isObserving });
  const reading = { clients, owner, namespace, clock, sights, readNodes: createNodeReader(clients.core) };
  return {
    launch: async (request, tenure) => {
      const { order = null } = request;
      invariant(order !== null, "a launch of pods is drafted and stored before it is made");
      await budget.ensure();
      if (tenure !== undefined) settled.take(tenure.epoch);
      const leftMs = () => tenure?.leftMs() ?? Number.POSITIVE_INFINITY;
      return launchPods({ clients, options, rests, settled, leftMs }, readOrder(order), request);
    },
    list: async (which) => {
      if (which !== "all") return listByIds(reading, which);
      const observed = await listAll(reading);
      await budget.keep(observed.length);
      return observed;
    },
    terminate: (permit) => endPod({ ...reading, rests }, permit),
    readRunnerVersion: async () => runnerVersionOf(settings.image),
    check: () => checkSettings({ clients, options }),
    orders: {
      draftsFor: () => true,
      draft: async ({ launchId }) => {
        rests.demandNone(`launching pods (${launchId})`);
        return writeOrder({ avoidedNodes: rests.avoidedNodes() });
      },
      readObstacles: () => [...rests.describe(), ...budget.describe()],
    },
    standby: null,
    consoles: createConsoles(clients),
    hints: createHints({ ...reading, random }),
    group: null,
  };
}

/** Whether an id is of a pod of this namespace. */
export function namesPodOf(namespace: string): (id: ProviderId) => boolean {
  return (id) => parsePodProviderId(id)?.namespace === namespace;
}
