/** What a pool's provider can say while it cannot read all the places in which the pool has or had machines. */
import { ProviderError } from "./errors.ts";
import type { ObservedMachine } from "./observed.ts";

/** A listing that is not whole: what it does not show may be there all the same. */
export class PartialListing extends ProviderError {
  /** Whose word is the same whatever the places that could not be read would show. */
  readonly shown: readonly ObservedMachine[];
  /** It shows all that is where the pool's settings of today put machines: only former ones could have made what is missing. */
  readonly isCurrentWhole: boolean;

  constructor(
    attempted: string,
    { shown, isCurrentWhole, cause }: Pick<PartialListing, "shown" | "isCurrentWhole" | "cause">,
  ) {
    super("provider-unavailable", attempted, { cause });
    this.shown = shown;
    this.isCurrentWhole = isCurrentWhole;
  }
}
