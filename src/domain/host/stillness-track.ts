/** What is kept, from sample to sample, of how long nothing of a held ticket's job has moved. */

/** What a row of samples without a gap showed, each time the same. */
export interface Unchanged<Value> {
  readonly value: Value;
  readonly sinceMs: number;
}

/** Of the logs, since it became still. */
export type Saving =
  | { readonly kind: "none" }
  /** `send-logs` was asked for and not yet answered. */
  | { readonly kind: "asked"; readonly tryCount: number }
  | { readonly kind: "not-taken"; readonly tryCount: number; readonly atMs: number }
  | { readonly kind: "saved" };

/** Times are monotonic. */
export interface StillnessTrack {
  readonly sampledAtMs: number | null;
  readonly isListenerGone: boolean;
  /** How often the log says that the lease was renewed; null where there is no such log, or it could not be read. */
  readonly renewals: Unchanged<number> | null;
  /** Null where it could not be read. */
  readonly motion: Unchanged<string> | null;
  readonly saving: Saving;
}

export const NOT_STILL: StillnessTrack = {
  sampledAtMs: null,
  isListenerGone: false,
  renewals: null,
  motion: null,
  saving: { kind: "none" },
};
