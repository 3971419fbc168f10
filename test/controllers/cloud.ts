/** A provider of a test whose launches are drafted, answered in part, and do not mark each machine. */
import { ProviderError } from "../../src/domain/errors.ts";
import { type ProviderId, parseProviderId } from "../../src/domain/ids.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import type { LaunchRequest, LaunchTenure, ProviderAbilities } from "../../src/ports/provider.ts";
import type { Yard } from "./yard.ts";

export interface Cloud {
  /** What is there, by the provider's id; none says which machine it is. */
  readonly instances: Map<ProviderId, { readonly request: LaunchRequest; state: ProviderState }>;
  readonly drafts: LaunchRequest[];
  readonly asked: LaunchRequest[];
  /** Of drafts and launches. */
  readonly tenures: (LaunchTenure | undefined)[];
  readonly consolesRead: ProviderId[];
  /** Of one launch, so many are started. */
  room: number;
  refusal: ProviderError | null;
  /** The call takes effect and its answer is lost. */
  losesAnswer: boolean;
}

/** Makes it the yard's. */
export function openCloud(yard: Yard): Cloud {
  const made: Cloud = {
    instances: new Map(),
    drafts: [],
    asked: [],
    tenures: [],
    consolesRead: [],
    room: 100,
    refusal: null,
    losesAnswer: false,
  };
  const { provider, clock } = yard;
  provider.launch = async (request, tenure) => {
    made.asked.push(request);
    made.tenures.push(tenure);
    if (made.refusal !== null) throw made.refusal;
    const before = [...made.instances].filter(([, one]) => one.request.launchId === request.launchId);
    if (before.length === 0)
      for (const [index] of request.machines.slice(0, made.room).entries())
        made.instances.set(parseProviderId(`i-${request.launchId.slice(2)}${index}`), { request, state: "running" });
    if (made.losesAnswer) throw new ProviderError("provider-unavailable", "the answer is lost");
    const started = [...made.instances].filter(([, one]) => one.request.launchId === request.launchId);
    return request.machines.flatMap(({ machineId }, index) => {
      const providerId = started[index]?.[0];
      return providerId === undefined ? [] : { machineId, providerId };
    });
  };
  provider.list = async (which) =>
    [...made.instances]
      .filter(([id]) => which === "all" || which.includes(id))
      .map(([providerId, { request, state }]) => ({
        providerId,
        machineId: null,
        launchId: request.launchId,
        pool: request.pool,
        state,
        observedAtMs: clock.nowMs(),
      }));
  const abilities: ProviderAbilities = {
    orders: {
      draftsFor: () => true,
      draft: async (request, tenure) => {
        made.drafts.push(request);
        made.tenures.push(tenure);
        return `order ${made.drafts.length}`;
      },
      readObstacles: () => ["m7i.large in zone a rests"],
    },
    standby: null,
    hints: null,
    group: null,
    consoles: {
      isLasting: false,
      readConsole: async (providerId) => {
        made.consolesRead.push(providerId);
        return ["no network"];
      },
    },
  };
  Object.assign(yard.context, { abilities });
  return made;
}
