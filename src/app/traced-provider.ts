/** A pool's provider whose calls are spans. */
import type { PoolName } from "../domain/ids.ts";
import type { MachinePermit } from "../domain/permit.ts";
import type { LaunchRequest, Provider } from "../ports/provider.ts";
import type { Span, SpanAttributes, SpanWord, Traces } from "../ports/traces.ts";
import type { PoolProvider } from "./providers.ts";

type Attributes = SpanAttributes<"provider">;

export interface TracedPool {
  readonly pool: PoolName;
  /** The provider's kind. */
  readonly kind: string;
}

export function traceProvider(
  { provider, abilities }: PoolProvider,
  { pool, kind }: TracedPool,
  { trace }: Traces,
): PoolProvider {
  const { orders, standby, consoles, hints, group } = abilities;
  const call = <Value>(
    word: SpanWord<"provider">,
    about: Attributes,
    work: (span: Span<"provider">) => Promise<Value>,
  ): Promise<Value> => trace("provider", word, { pool, kind, ...about }, work);
  return {
    provider: traceVerbs(provider, call),
    abilities: {
      orders: orders && {
        draftsFor: (settingsHash) => orders.draftsFor(settingsHash),
        draft: (request, tenure) => call("draft", describeLaunch(request), () => orders.draft(request, tenure)),
        readObstacles: () => orders.readObstacles(),
      },
      standby: standby && {
        stop: (permit) => call("stop", describePermit(permit), () => standby.stop(permit)),
        start: (providerId) => call("start", { providerId }, () => standby.start(providerId)),
      },
      consoles: consoles && {
        isLasting: consoles.isLasting,
        readConsole: (providerId) => call("console", { providerId }, () => consoles.readConsole(providerId)),
      },
      // One stream for as long as the process runs: no call that a span could show.
      hints,
      group: group && {
        listHeldUp: () => call("list", {}, () => group.listHeldUp()),
        hold: (providerId, last) => call("hold", { providerId }, () => group.hold(providerId, last)),
        readHookEdition: () => group.readHookEdition(),
        noteRows: (providerIds) => group.noteRows(providerIds),
        readMinimumCount: () => group.readMinimumCount(),
      },
    },
  };
}

type TracedCall = <Value>(
  word: SpanWord<"provider">,
  about: Attributes,
  work: (span: Span<"provider">) => Promise<Value>,
) => Promise<Value>;

function traceVerbs(provider: Provider, call: TracedCall): Provider {
  return {
    launch: (request, tenure) =>
      call("launch", describeLaunch(request), async (span) => {
        const launched = await provider.launch(request, tenure);
        span.note({ count: launched.length });
        return launched;
      }),
    list: (which) =>
      call("list", {}, async (span) => {
        const observed = await provider.list(which);
        span.note({ count: observed.length });
        return observed;
      }),
    terminate: (permit) => call("terminate", describePermit(permit), () => provider.terminate(permit)),
    readRunnerVersion: () => call("version", {}, () => provider.readRunnerVersion()),
    check: () => call("check", {}, () => provider.check()),
  };
}

function describeLaunch({ launchId, machines }: LaunchRequest): Attributes {
  return { launch: launchId, machines: machines.map(({ machineId }) => machineId) };
}

function describePermit({ machineId, providerId, proof }: MachinePermit): Attributes {
  return { machine: machineId, providerId, proof };
}
