/**
 * The module hook: loaded before the product by `node --import <this file>?mutant=<its file>`, it changes the mutant's
 * sources while they are loaded. It imports nothing of the product, for what is loaded already cannot be changed.
 *
 * A text that does not stand in its source exactly once ends the process before anything has run; a source that was never
 * loaded makes it fail at its end, for then it was the sound product that ran.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { changesOf, type Mutant } from "./mutant.ts";
import { plant } from "./plant.ts";

const EXIT_UNPLANTED = 3;

const file = new URL(import.meta.url).searchParams.get("mutant");
if (file === null) throw new Error("the hook is told its mutant: --import <hook>?mutant=<URL of its file>");
const { mutant } = (await import(file)) as { readonly mutant: Mutant };

const changesBySource = Map.groupBy(changesOf(mutant), ({ source }) => source);
const plantedByUrl = new Map<string, { readonly source: string; readonly text: string }>();
for (const [source, changes] of changesBySource) {
  const url = new URL(`../../../${source}`, import.meta.url);
  plantedByUrl.set(url.href, { source, text: plant(source, readFileSync(url, "utf8"), changes) });
}

const unloaded = new Set(changesBySource.keys());
registerHooks({
  load: (url, context, nextLoad) => {
    const planted = plantedByUrl.get(url);
    if (planted === undefined) return nextLoad(url, context);
    unloaded.delete(planted.source);
    return { format: "module-typescript", source: planted.text, shortCircuit: true };
  },
});

process.on("exit", () => {
  if (unloaded.size === 0) return;
  process.stderr.write(`never loaded, and so not changed: ${[...unloaded].join(", ")}\n`);
  process.exitCode = EXIT_UNPLANTED;
});
