/**
 * Properties under one seed, so that a run repeats itself. `PROPERTY_SEED=7 npm test` tries another one; a failure prints
 * the smallest counter-example and the path to it.
 */
import fc from "fast-check";

const SEED = Number(process.env.PROPERTY_SEED ?? 20_251_121);

export function always<Values extends [unknown, ...unknown[]]>(
  property: fc.IPropertyWithHooks<Values>,
  numRuns = 500,
): void {
  fc.assert(property, { seed: SEED, numRuns });
}

/** Whether some run breaks the property: how a property shows that it can fail. */
export function canFail<Values extends [unknown, ...unknown[]]>(
  property: fc.IPropertyWithHooks<Values>,
  numRuns = 5_000,
): boolean {
  return fc.check(property, { seed: SEED, numRuns, endOnFailure: true }).failed;
}
