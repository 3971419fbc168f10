/**
 * Which machine an agent is that checks in from a pod. Its projected token is shown to the cluster, which says in which pod it
 * is; that pod, by its uid, is the machine's row, or carries the machine's id as its name while its launch is not bound yet.
 *
 * A pool's cluster vouches for machines of that pool only. A job may be allowed to make pods where its own is, with any
 * name: a name is believed only where no row says that this machine is another pod.
 */
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import { type MachineId, type PoolName, type ProviderId, parseMachineId } from "../../domain/ids.ts";
import { type Machine, providerIdOf } from "../../domain/machine.ts";
import { type PodPlace, parsePodProviderId } from "../../domain/pod/provider-id.ts";
import type { PodIdentity, ReviewPodToken } from "../../ports/pod-identity.ts";
import { findMachineByProviderId, loadMachine } from "../../store/machines/load.ts";
import type { Store } from "../../store/store.ts";

/** Who vouches for the pods of one namespace in one cluster. */
export interface PodAuthority {
  readonly namespace: string;
  /** Whose machines are there. */
  readonly pools: readonly PoolName[];
  readonly reviewPodToken: ReviewPodToken;
}

export interface PodClaim {
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
  readonly token: string;
}

/** `other`: the token is good, and another machine's. */
export type PodWord = { readonly machineId: MachineId; readonly kind: "proven" | "unproven" | "other" };

/** Anybody may knock, and each knock is a call to the cluster. A whole pool that starts at once is well below. */
const REVIEWS_MAX = 64;
const ASKED = "asking the cluster whose an agent's token is";

/** The same authorities, of whom no more than `REVIEWS_MAX` reviews are asked at a time, all together. */
export function limitReviews(authorities: readonly PodAuthority[]): readonly PodAuthority[] {
  let openCount = 0;
  return authorities.map((authority) => ({
    ...authority,
    reviewPodToken: async (token) => {
      if (openCount >= REVIEWS_MAX) throw new HoldfastError("overloaded", ASKED);
      openCount += 1;
      try {
        return await authority.reviewPodToken(token);
      } finally {
        openCount -= 1;
      }
    },
  }));
}

/** @throws {HoldfastError} `provider-unavailable` where nobody could say | `overloaded`: in both cases, try again. */
export async function identifyPod(
  claim: PodClaim,
  authorities: readonly PodAuthority[],
  store: Store,
): Promise<PodWord> {
  const { machineId: claimed, providerId } = claim;
  const place = parsePodProviderId(providerId);
  if (place === null) return { machineId: claimed, kind: "unproven" };
  const row = await findRow(store, providerId, place);
  const named = machineNamed(place.podName);
  const machineId = row?.id ?? named ?? claimed;
  const vouching = authorities.filter(
    ({ namespace, pools }) => namespace === place.namespace && (row === null || pools.includes(row.pool)),
  );
  const identity = await review(claim.token, vouching);
  if (identity === null) return { machineId, kind: "unproven" };
  const isOwnPod = isSamePod(identity, place);
  const isOwnName = claimed === (row?.id ?? named) || claimed === named;
  const isOwnRow = row === null || (providerIdOf(row) ?? providerId) === providerId;
  return { machineId, kind: isOwnPod && isOwnName && isOwnRow ? "proven" : "other" };
}

/** The row of the pod; else the one of the machine that the pod is named after, whichever pod that has. */
async function findRow(store: Store, providerId: ProviderId, { podName }: PodPlace): Promise<Machine | null> {
  const known = await findMachineByProviderId(store.db, providerId);
  const named = machineNamed(podName);
  return known ?? (named === null ? null : await loadMachine(store.db, named));
}

function isSamePod(one: PodIdentity, other: PodPlace): boolean {
  return one.podUid === other.podUid && one.podName === other.podName && one.namespace === other.namespace;
}

function machineNamed(podName: string): MachineId | null {
  try {
    return parseMachineId(podName);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}

/** One cluster that knows the token is enough; none is believed to refuse it while another could not be asked. */
async function review(token: string, authorities: readonly PodAuthority[]): Promise<PodIdentity | null> {
  let failure: ProviderError | null = null;
  for (const { reviewPodToken } of authorities) {
    try {
      const identity = await reviewPodToken(token);
      if (identity !== null) return identity;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      failure = error;
    }
  }
  if (failure === null) return null;
  throw new HoldfastError("provider-unavailable", ASKED, { cause: failure });
}
