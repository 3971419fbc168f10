import type { Delivery, JobAction } from "../github/delivery.ts";
import { createRandom } from "../github/ids.ts";
import type { ChooseFailure } from "./webhook-sender.ts";

/** What is known of an attempt before it is made. */
export interface ComingAttempt {
  readonly guid: string;
  readonly event: Delivery["event"];
  readonly action: JobAction | null;
  readonly jobId: number | null;
  readonly isRedelivery: boolean;
}

/**
 * Which deliveries do not reach their receiver: those that the predicate chooses, or by lot a fraction of the first
 * attempts (a redelivery is always made). GitHub records them as failed.
 */
export type DeliveryFailures =
  | ((attempt: ComingAttempt) => boolean)
  | {
      /** From 0 to 1. */
      readonly fraction: number;
      readonly seed: number;
      /** Deliveries of these actions alone; of all, `ping` included, unless given. */
      readonly actions?: readonly JobAction[];
      /** What GitHub notes as the answer; 0, the default, for no connection. */
      readonly statusCode?: 0 | 502;
    };

const RANDOM_SPAN = 2 ** 32;

export function createChooseFailure(failures: DeliveryFailures | null): ChooseFailure {
  if (failures === null) return () => null;
  if (typeof failures === "function") {
    return ({ guid, event, action, jobId }, { isRedelivery }) =>
      failures({ guid, event, action, jobId, isRedelivery }) ? 0 : null;
  }
  const { fraction, seed, actions, statusCode = 0 } = failures;
  const random = createRandom(seed);
  return ({ action }, { isRedelivery }) => {
    const isConcerned = actions === undefined || (action !== null && actions.includes(action));
    if (isRedelivery || !isConcerned) return null;
    return random() < fraction * RANDOM_SPAN ? statusCode : null;
  };
}
