/**
 * A program: tries one mutant in the worlds of its seeds, with the product as it was loaded. Behind the module hook that is
 * the broken one, without it the sound one. Prints a line of JSON for each seed.
 *
 *     node --import <hook>?mutant=<file> mutant-trial.ts <file> <first seed> <last seed> <module of runWorld> [<stopsAfterMs>]
 */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutant } from "../../simulator/mutants/mutant.ts";
import { tryMutant } from "../../simulator/mutants/trial.ts";
import type { RunWorld } from "../../simulator/scenario/run-world.ts";

const [file = "", from = "", to = "", world = "", stopsAfterMs = ""] = process.argv.slice(2);
const { mutant } = (await import(file)) as { readonly mutant: Mutant };
const { runWorld } = (await import(world)) as { readonly runWorld: RunWorld };
const name = basename(fileURLToPath(file), ".ts");
const until = stopsAfterMs === "" ? null : Number(stopsAfterMs);
const seeds = { from: Number(from), to: Number(to), stopsAfterMs: until };
await tryMutant({ name, mutant, seeds }, runWorld, (tried) => {
  process.stdout.write(`${JSON.stringify(tried)}\n`);
});
