/** The bounds of what can be asked for. Apart from what reads scenarios, so that the command line loads without that. */

export const SEED_MAX = 2 ** 32 - 1;
export const WORLD_COUNT_MAX = 100_000;
export const HOUR_COUNT_MAX = 24 * 31;
export const PROCESS_COUNT_MAX = 64;
