/** Holdfast's port to a provider of the world. Nothing in it waits: each promise is settled at once. */
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import { type ControllerId, type PoolName, type ProviderId, parseProviderId } from "../../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../../domain/observed.ts";
import { MachinePermit } from "../../domain/permit.ts";
import { NO_ABILITIES, type Provider, type ProviderAbilities } from "../../ports/provider.ts";
import type { Launches } from "./launches.ts";
import type { ProviderMachine } from "./machine.ts";
import type { ProviderModelWorld, ProviderNature } from "./provider-world.ts";
import type { Roster } from "./roster.ts";

export interface PortParts {
  readonly world: ProviderModelWorld;
  readonly nature: ProviderNature;
  readonly roster: Roster;
  readonly launches: Launches;
  /** Ends a machine or does not, as `ProviderModel` says. */
  readonly terminate: (providerId: string, permit: MachinePermit, controllerId: ControllerId) => "taken" | "ignored";
}

export interface Asker {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  /** The wall clock of who asks. */
  readonly nowMs: () => number;
}

export function makePort(parts: PortParts, asker: Asker): Provider & ProviderAbilities {
  const { world, nature, launches } = parts;
  return {
    ...NO_ABILITIES,
    launch: async (request) => launches.launch(asker.controllerId, asker.pool, request),
    list: async (which) => (which === "all" ? listAll(parts, asker) : which.map((id) => lookUp(parts, asker, id))),
    terminate: async (permit) => {
      demandPermit(permit, asker.nowMs());
      const outcome = parts.terminate(permit.providerId, permit, asker.controllerId);
      if (outcome === "ignored" && nature.reportsFailedEnding)
        throw new ProviderError("provider-unavailable", `ending machine ${permit.machineId}: its processes still run`);
    },
    readRunnerVersion: async () => (nature.tellsRunnerVersion ? (world.runnerVersion ?? null) : null),
    check: async () => [],
  };
}

function demandPermit(permit: MachinePermit, nowMs: number): void {
  if (!MachinePermit.isMade(permit))
    throw new HoldfastError("permit-stale", "ending a machine with what is not a permit");
  if (nowMs >= permit.expiresAtMs)
    throw new HoldfastError("permit-stale", `ending machine ${permit.machineId} with a permit that has expired`);
}

function listAll(parts: PortParts, asker: Asker): readonly ObservedMachine[] {
  const { nature, roster } = parts;
  return roster
    .list((machine) => isListed(nature, machine, asker))
    .map(({ machine, state }) => observe(nature, machine, state, asker));
}

/** By its readable marks; a folder is in its controller's own place, and without its marks it is shown to every pool. */
function isListed({ hasFolders }: ProviderNature, { marks, lostMarks }: ProviderMachine, asker: Asker): boolean {
  if (marks === null || marks.controllerId !== asker.controllerId) return false;
  if (hasFolders && lostMarks !== "none") return true;
  return lostMarks !== "all" && marks.pool === asker.pool;
}

function lookUp({ nature, roster }: PortParts, asker: Asker, providerId: ProviderId): ObservedMachine {
  if (!nature.isProviderId(providerId))
    throw new ProviderError("provider-unavailable", `looking for ${providerId}, which is no id of this provider`);
  const machine = roster.find(providerId);
  const isOurs = machine?.marks?.controllerId === asker.controllerId;
  const state = machine === undefined ? null : roster.stateOf(machine);
  if (machine !== undefined && state !== null && isOurs && roster.isVisible(machine))
    return observe(nature, machine, state, asker);
  const observedAtMs = asker.nowMs();
  return { providerId, machineId: null, launchId: null, pool: null, state: nature.unknownState, observedAtMs };
}

function observe(
  { hasFolders }: ProviderNature,
  { providerId, marks, lostMarks }: ProviderMachine,
  state: ProviderState,
  asker: Asker,
): ObservedMachine {
  const hasMarks = lostMarks === "none";
  return {
    providerId: parseProviderId(providerId),
    machineId: hasMarks || hasFolders ? (marks?.machineId ?? null) : null,
    launchId: hasMarks ? (marks?.launchId ?? null) : null,
    pool: hasMarks || (lostMarks === "machine" && !hasFolders) ? (marks?.pool ?? null) : null,
    state,
    observedAtMs: asker.nowMs(),
  };
}
