import { afterEach, expect, it } from "vitest";
import { SECOND_MS } from "../../src/domain/units.ts";
import { queueJob } from "../../src/simulator/github/jobs.ts";
import { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

it("a job whose ticket was made while its machine booted is running seconds after the machine is up", async () => {
  town = await Town.open({ bootMs: 20 * SECOND_MS });
  town.github.setHook();
  const request = { repository: "acme/widgets", labels: ["self-hosted", "linux"], steps: ["make"] };
  const job = queueJob(town.github.state, request, town.clock.nowMs());
  await town.run(28 * SECOND_MS);
  expect(job.phase.kind).toBe("acquired");
});
