/** Asks the cluster whose a pod's token is. The API checks signature, age and binding; it says no once the pod is gone. */

import type { Clock } from "../../ports/clock.ts";
import { POD_TOKEN_AUDIENCE, type PodIdentity, type ReviewPodToken } from "../../ports/pod-identity.ts";
import { createClients, type KubernetesClients } from "./client.ts";
import { readFailure, toProviderError } from "./errors.ts";
import type { ClusterAccess } from "./settings.ts";

/** The API's names for what it knows of a token that is bound to a pod. */
const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;
const ASKED = "asking the cluster whose a pod's token is";

/** With connections of its own: whoever knocks holds up no call of a pool. */
export function openTokenReview(access: ClusterAccess, clock: Clock): ReviewPodToken {
  return createTokenReview(createClients(access, clock));
}

function createTokenReview({ authentication }: Pick<KubernetesClients, "authentication">): ReviewPodToken {
  return async (token) => {
    const status = await review(authentication, token);
    if (status?.authenticated !== true) return null;
    // A cluster that knows no audiences names none: its word would be of any token.
    if (status.audiences?.includes(POD_TOKEN_AUDIENCE) !== true) return null;
    const { username = "", extra = {} } = status.user ?? {};
    const namespace = SERVICE_ACCOUNT.exec(username)?.[1];
    const podName = only(extra[POD_NAME]);
    const podUid = only(extra[POD_UID]);
    if (namespace === undefined || podName === null || podUid === null) return null;
    const identity: PodIdentity = { namespace, podName, podUid };
    return identity;
  };
}

async function review(authentication: KubernetesClients["authentication"], token: string) {
  try {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" };
    const spec = { token, audiences: [POD_TOKEN_AUDIENCE] };
    return (await authentication.createTokenReview({ body: { ...body, spec } })).status;
  } catch (error) {
    const { trouble } = readFailure(error);
    const isRefused = trouble === "denied" || trouble === "settings";
    throw toProviderError(isRefused ? "provider-invalid" : "provider-unavailable", error, ASKED);
  }
}

function only(values: readonly string[] | undefined): string | null {
  return values?.length === 1 ? (values[0] ?? null) : null;
}
