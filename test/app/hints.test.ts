import { expect, it } from "vitest";
import { followHints } from "../../src/app/hints.ts";
import { NO_ABILITIES } from "../../src/ports/provider.ts";
import { pool, poolName } from "../domain/builders.ts";

it("wakes the look at the pool that was hinted at, until it is stopped", async () => {
  const woken: string[] = [];
  let hint: () => void = () => undefined;
  let isStopped = false;
  const hints = {
    watch: (onHint: () => void, signal: AbortSignal) => {
      hint = onHint;
      return new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => {
          isStopped = true;
          resolve();
        }),
      );
    },
  };
  const pools = [
    { pool: pool(), abilities: { ...NO_ABILITIES, hints } },
    { pool: pool({ name: poolName("mute") }), abilities: NO_ABILITIES },
  ];
  const wake = { controller: (name: string, of: string | null) => woken.push(`${name} ${of}`) };
  const followed = followHints(pools, wake);
  hint();
  expect(woken).toEqual(["observe linux"]);
  await followed.stop();
  expect(isStopped).toBe(true);
});
