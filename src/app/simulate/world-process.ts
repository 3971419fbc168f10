/**
 * A program: runs the worlds that it is sent, one after the other, and answers each with its result. Ends when nobody is
 * there to ask it any more.
 *
 *     fork(world-process.ts, [<module of runWorld>])
 */
import type { RunWorld } from "../../simulator/scenario/run-world.ts";
import { describeFailure, type WorldAnswer, type WorldRequest } from "./world-runs.ts";

const [module = ""] = process.argv.slice(2);
const { runWorld } = (await import(module)) as { readonly runWorld: RunWorld };

async function answer({ scenario, seed }: WorldRequest): Promise<WorldAnswer> {
  try {
    return { kind: "done", result: await runWorld(scenario, { seed }) };
  } catch (error) {
    return { kind: "failed", message: describeFailure(error) };
  }
}

process.on("message", (request: WorldRequest) => {
  void answer(request).then((said) => process.send?.(said));
});
process.on("disconnect", () => process.exit());
