// A stop waits for no look at many repositories; what is urgent goes on.
import { describe, expect, it } from "vitest";
import { issuePermit } from "../../../src/domain/permit.ts";
import { epoch, heard, jobId, runnerId, ticket } from "../../domain/builders.ts";
import { connect, failureOf, StandingClock, startStandIn } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const LIMITED = { status: 429, headers: { "retry-after": "60" }, body: { message: "secondary rate limit" } };

/** A sleep that only a signal ends. */
class SleepyClock extends StandingClock {
  readonly sleeping = Promise.withResolvers<void>();
  override sleep(_durationMs: number, signal?: AbortSignal): Promise<void> {
    this.sleeping.resolve();
    return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
  }
}

function permit() {
  const over = ticket({ state: "spent", runnerId: runnerId(42) });
  const decision = issuePermit({ kind: "delete-registration", ticket: over, epoch: epoch(), time: heard() });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

describe("once we are being stopped", () => {
  it("a look that waits for its budget ends at once", async () => {
    const stop = new AbortController();
    const clock = new SleepyClock();
    const standIn = await startStandIn(() => LIMITED);
    const { github } = connect(standIn.apiUrl, { clock, stop: stop.signal });
    await github.listRunners(ACME).catch(() => null);
    const look = failureOf(github.listOpenJobs("acme/widgets"));
    await clock.sleeping.promise;
    stop.abort();
    expect(await look).toMatchObject({ code: "github-unavailable" });
    expect(standIn.asked).toHaveLength(1);
  });

  it("nothing is looked around for, and tickets and deletions go on", async () => {
    const minted = { status: 201, body: { runner: { id: 7 }, encoded_jit_config: "e30=" } };
    const standIn = await startStandIn(({ method }) => (method === "DELETE" ? { status: 204 } : minted));
    const { github } = connect(standIn.apiUrl, { stop: AbortSignal.abort() });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-unavailable" });
    await expect(github.getJob("acme/widgets", jobId())).resolves.toMatchObject({ kind: "unknown" });
    expect(standIn.asked).toEqual([]);
    await expect(github.deleteRunner(permit())).resolves.toBe("deleted");
    const mint = { scope: ACME, runnerName: "x", labels: ["linux"], runnerGroup: "Default" };
    await expect(github.mintTicket(mint)).resolves.toMatchObject({ runnerId: 7 });
  });
});
