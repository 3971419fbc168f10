/** What a pool's provider can say while it cannot read all the places in which the pool has or had machines. */
import { ProviderError } from "./errors.ts";
import type { ObservedMachine } from "./observed.ts";

/** A listing that is not whole: what it does not show may be there all the same. */
export class PartialListing extends ProviderError {
  /** Whose word is the same whatever the places that could not be read would show. */
  readonly shown: readonly ObservedMachine[];
  /** It shows all that is where the pool's settings of today put machines: only former ones could have made what is missing. */
  readonly isCurrentWhole: boolean;
  /** Hashes of the settings, former ones included, of which it does not show all that is where they put machines. */
  readonly unlistedSettings: readonly string[];

  constructor(
    attempted: string,
    listing: Pick<PartialListing, "shown" | "isCurrentWhole" | "unlistedSettings" | "cause">,
  ) {
    super("provider-unavailable", attempted, { cause: listing.cause });
    this.shown = listing.shown;
    this.isCurrentWhole = listing.isCurrentWhole;
    this.unlistedSettings = listing.unlistedSettings;
  }
}
