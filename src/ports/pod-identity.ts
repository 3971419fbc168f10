/**
 * Whose a pod's projected service-account token is, by the word of the cluster that gave it out.
 *
 * Such a token is bound to its pod: the cluster says no to it once it has run out, once the pod is gone, and to any token
 * that was not made for us (its audience).
 */
import type { PodPlace } from "../domain/pod/provider-id.ts";

/** What a pod's token is made for; a token that is good at the API server itself has another. */
export const POD_TOKEN_AUDIENCE = "holdfast";

export type PodIdentity = PodPlace;

/**
 * Asks the cluster (`TokenReview`, with our audience). Nothing is remembered: a token is good for as long as its pod is there.
 * @returns null where the cluster positively does not vouch for the token, or vouches for something that is not in a pod.
 * @throws {ProviderError} `provider-unavailable` where it could not be asked or gave no answer | `provider-invalid` where it
 *   refuses to be asked by us. Neither says anything about the token.
 */
export type ReviewPodToken = (token: string) => Promise<PodIdentity | null>;
