/** The service accounts that the cluster makes by itself. */
import { wireTime } from "./instants.ts";
import type { ApiObject } from "./objects.ts";
import type { KubernetesState } from "./state.ts";
import { put } from "./store.ts";
import { newUid } from "./uids.ts";

export function addAccount(
  state: KubernetesState,
  place: { readonly name: string; readonly namespace: string },
  nowMs: number,
): ApiObject {
  const metadata = { ...place, uid: newUid(state), resourceVersion: "", creationTimestamp: wireTime(nowMs) };
  return put<ApiObject>(state, "serviceaccounts", { kind: "ServiceAccount", apiVersion: "v1", metadata }, nowMs);
}

/** What the pods of a namespace have unless they name another. */
export function addDefaultAccount(state: KubernetesState, namespace: string, nowMs: number): void {
  addAccount(state, { name: "default", namespace }, nowMs);
}
