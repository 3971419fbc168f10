/**
 * Which machine an agent is that checks in, by what its platform vouches for. A process machine has a secret of its own.
 * An instance has its signed identity document, which names the instance and no machine: the row of that instance says
 * which machine it is, and where there is none, its name is the one that it would be adopted under. A pod has a projected
 * token, by which its cluster names the pod: see `pod-identity`.
 */
import type { MachineId } from "../../domain/ids.ts";
import { providerIdOf } from "../../domain/machine.ts";
import type { CheckInRequest } from "../../domain/protocol.ts";
import { strayMachineId } from "../../domain/stray.ts";
import { findMachineByProviderId, loadMachine } from "../../store/machines/load.ts";
import type { Store } from "../../store/store.ts";
import { type InstanceAuthority, readInstanceIdentity } from "./instance-identity.ts";
import { identifyPod, type PodAuthority } from "./pod-identity.ts";
import type { AgentTokens, TokenSubject } from "./token.ts";

export interface IdentifyOptions {
  readonly store: Store;
  readonly tokens: AgentTokens;
  /** Who vouches for instances; absent where no pool is made of them. */
  readonly authorities?: readonly InstanceAuthority[];
  /** Who vouches for pods; absent where no pool is made of them. */
  readonly podAuthorities?: readonly PodAuthority[];
}

export interface Identified {
  /** What was claimed, where nothing is known that fits it better. */
  readonly machineId: MachineId;
  /** `other`: what vouches for it is good, and names another machine. */
  readonly kind: "proven" | "unproven" | "other";
}

/** @throws {HoldfastError} `provider-unavailable` | `overloaded` where whoever vouches could not be asked: to be tried again. */
export async function identify(request: CheckInRequest, options: IdentifyOptions): Promise<Identified> {
  const { identity, machineId, providerId } = request;
  switch (identity.kind) {
    case "process":
      return word(machineId, options.tokens.provesIdentity(machineId, identity.secret));
    case "ec2": {
      const known = await findMachineByProviderId(options.store.db, providerId);
      const named = known?.id ?? strayMachineId(providerId);
      const proven = readInstanceIdentity(identity.document, options.authorities ?? []);
      return word(named ?? machineId, named !== null && proven?.instanceId === providerId);
    }
    case "kubernetes": {
      const claim = { machineId, providerId, token: identity.token };
      return await identifyPod(claim, options.podAuthorities ?? [], options.store);
    }
  }
}

function word(machineId: MachineId, isProven: boolean): Identified {
  return { machineId, kind: isProven ? "proven" : "unproven" };
}

/**
 * A token may name a machine that no row knows, of an instance whose row has another name: it checked in before its launch
 * was bound, or before it was adopted. Or it is of a pod that was deleted by force while its launch was not answered, and
 * runs on where nobody reaches it: the machine is the pod that was made after it. Or it is of a pod that came under the name
 * of a machine that is gone, and checked in before it had a row of its own.
 * @returns what the machine, or that which speaks as it, is called; null where the token's own will do.
 */
export async function findOther(store: Store, { machineId, providerId }: TokenSubject): Promise<string | null> {
  const row = await loadMachine(store.db, machineId);
  // One that was called gone may have come back as another, and is heard until the next listing says so.
  if (row === null || row.state.kind === "gone") {
    const bound = await findMachineByProviderId(store.db, providerId);
    return bound === null || bound.id === machineId ? null : bound.id;
  }
  const boundTo = providerIdOf(row);
  return boundTo === providerId ? null : boundTo;
}
