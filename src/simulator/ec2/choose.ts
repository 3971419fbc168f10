/** What a reading of named or filtered things shows. */
import type { Filter } from "./api.ts";
import { type Ec2ErrorCode, Ec2Refusal } from "./errors.ts";
import { matchFilters, type Properties } from "./filters.ts";

export interface Asked {
  readonly ids: readonly string[] | undefined;
  readonly filters: readonly Filter[] | undefined;
  /** For one that there is not. */
  readonly refusal: Ec2ErrorCode;
  readonly called: string;
}

/** Those that are named, all of which there must be, or all; of them what the filters match. */
export function choose<Thing extends { readonly tags?: ReadonlyMap<string, string> }>(
  all: readonly Thing[],
  idOf: (thing: Thing) => string,
  { ids = [], filters, refusal, called }: Asked,
  properties: Properties<Thing>,
): readonly Thing[] {
  const named = ids.map((id) => {
    const thing = all.find((one) => idOf(one) === id);
    if (thing === undefined) throw new Ec2Refusal(refusal, `The ${called} '${id}' does not exist`);
    return thing;
  });
  return (ids.length > 0 ? named : all).filter(matchFilters(filters, properties));
}
