import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recall } from "../../src/controllers/connection/recall.ts";
import { ingest } from "../../src/controllers/ingest.ts";
import { GitHubError } from "../../src/domain/errors.ts";
import { parseJobId } from "../../src/domain/ids.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { HookDelivery } from "../../src/ports/github-hooks.ts";
import { recordPending } from "../../src/store/deliveries/record.ts";
import { markRestored } from "../../src/store/facts.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { connectionName } from "../domain/builders.ts";
import { type ConnectionYard, connectionYard, failed, guid } from "./connection-yard.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
let connection: ConnectionYard;

beforeEach(async () => {
  yard = await Yard.open();
  connection = connectionYard(yard);
  yard.clock.advance(2 * DAY_MS);
});
afterEach(() => yard.close());

const pass = (afterMs = 0): Promise<void> => {
  yard.clock.advance(afterMs);
  return recall(connection.context);
};
const restore = (): Promise<boolean> =>
  inTransaction(yard.store, (tx) => markRestored(tx, yard.store.generation, yard.clock.nowMs()));

/** That a job ended, told to us and answered with 200, so long ago. */
function told(number: number, agoMs: number, overrides: Partial<HookDelivery> = {}): void {
  const atMs = yard.clock.nowMs() - agoMs;
  const answered = { statusCode: 200, status: "OK", action: "completed" };
  connection.hooks.attempts.push(failed(number, atMs, { ...answered, ...overrides }));
  connection.hooks.payloads.set(String(number), {
    action: "completed",
    repository: { full_name: "acme/widgets" },
    workflow_job: {
      id: number,
      run_id: 7,
      name: "build",
      status: "completed",
      conclusion: "failure",
      labels: ["self-hosted"],
      created_at: "1970-01-02T00:00:00Z",
      runner_id: 900 + number,
      runner_name: `holdfast-${number}`,
    },
  });
}

const statusOf = async (number: number) =>
  (await loadJob(yard.store.db, connectionName(), parseJobId(number)))?.job.status ?? null;

describe("what GitHub told between a backup and its restore", () => {
  it("is read from its log, and each job that ended is known as ended", async () => {
    told(1, HOUR_MS);
    told(2, MINUTE_MS);
    await restore();
    await pass();
    await ingest(yard.context);
    expect([await statusOf(1), await statusOf(2)]).toEqual(["completed", "completed"]);
    expect(connection.hooks.askedSinceMs).toEqual([yard.clock.nowMs() - DAY_MS]);
  });

  it("is not looked for in a store that was never restored", async () => {
    told(1, HOUR_MS);
    await pass();
    expect(connection.hooks.askedSinceMs).toEqual([]);
  });

  it("is looked for once, and again after the next restore", async () => {
    told(1, HOUR_MS);
    await restore();
    await pass();
    await pass(15 * SECOND_MS);
    expect([connection.hooks.askedSinceMs.length, connection.hooks.read]).toEqual([1, ["1"]]);
    const later = connection.context.store.generation + 1;
    await inTransaction(yard.store, (tx) => markRestored(tx, later, yard.clock.nowMs()));
    await pass(15 * SECOND_MS);
    expect(connection.hooks.askedSinceMs).toHaveLength(2);
  });

  it("is looked for by the process that comes after the one which found the restore", async () => {
    told(1, HOUR_MS);
    await restore();
    connection = { ...connectionYard(yard, { hooks: connection.hooks }), hooks: connection.hooks };
    await pass(MINUTE_MS);
    expect(connection.hooks.read).toEqual(["1"]);
  });

  it("is of no use a day later", async () => {
    told(1, HOUR_MS);
    await restore();
    await pass(DAY_MS + 1);
    expect(connection.hooks.askedSinceMs).toEqual([]);
  });

  it("is read where the restore has its time from a clock that was hours behind GitHub's", async () => {
    told(1, -2 * HOUR_MS);
    await restore();
    await pass();
    expect(connection.hooks.read).toEqual(["1"]);
  });

  it("costs nothing for what the store has, and for what only began", async () => {
    told(1, HOUR_MS);
    told(2, HOUR_MS, { action: "in_progress" });
    told(3, HOUR_MS, { event: "ping" });
    const event = { id: guid(1), connection: connectionName(), event: "workflow_job", body: new Uint8Array() };
    await recordPending(yard.store.db, { ...event, receivedAtMs: 0 });
    await restore();
    await pass();
    expect(connection.hooks.read).toEqual([]);
  });

  it("is read a share at a time, each once", async () => {
    for (let number = 1; number <= 130; number += 1) told(number, HOUR_MS);
    await restore();
    await pass();
    expect(connection.hooks.read).toHaveLength(120);
    await pass(15 * SECOND_MS);
    await pass(15 * SECOND_MS);
    expect(new Set(connection.hooks.read).size).toBe(130);
    expect(connection.hooks.read).toHaveLength(130);
  });

  it("that GitHub does not hand out is left alone; in any other trouble it goes on from where it was", async () => {
    told(1, 3 * MINUTE_MS);
    told(2, 2 * MINUTE_MS);
    told(3, MINUTE_MS);
    await restore();
    const { hooks } = connection;
    const read = hooks.readPayload.bind(hooks);
    let refusal: GitHubError | null = new GitHubError("github-unavailable", "reading a delivery");
    hooks.readPayload = async (hook, id) => {
      if (id === "3") throw new GitHubError("github-not-found", "reading a delivery");
      if (id === "2" && refusal !== null) throw refusal;
      return await read(hook, id);
    };
    await pass();
    expect(connection.memory.trouble.recover?.code).toBe("github-unavailable");
    refusal = null;
    await pass(SECOND_MS);
    expect(hooks.read).toEqual([]);
    await pass(MINUTE_MS);
    expect(hooks.read).toEqual(["2", "1"]);
  });

  it("is left to the process that holds a pool", async () => {
    told(1, HOUR_MS);
    await restore();
    connection.isHolding = false;
    await pass();
    expect(connection.hooks.askedSinceMs).toEqual([]);
  });
});
