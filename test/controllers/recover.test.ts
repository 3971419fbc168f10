import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recover } from "../../src/controllers/connection/recover.ts";
import { ingest } from "../../src/controllers/ingest.ts";
import { GitHubError, type GitHubErrorCode } from "../../src/domain/errors.ts";
import { parseJobId } from "../../src/domain/ids.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { recordPending } from "../../src/store/deliveries/record.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { connectionName } from "../domain/builders.ts";
import { type ConnectionYard, connectionYard, failed, guid } from "./connection-yard.ts";
import { Yard } from "./yard.ts";

const PAYLOAD = {
  action: "queued",
  repository: { full_name: "acme/widgets" },
  workflow_job: {
    id: 77,
    run_id: 7,
    name: "build",
    status: "queued",
    labels: ["self-hosted"],
    created_at: "1970-01-01T00:10:00Z",
  },
};

let yard: Yard;
let connection: ConnectionYard;

beforeEach(async () => {
  yard = await Yard.open();
  connection = connectionYard(yard);
  yard.clock.advance(10 * MINUTE_MS);
});
afterEach(() => yard.close());

const pass = (afterMs = 0): Promise<void> => {
  yard.clock.advance(afterMs);
  return recover(connection.context);
};
const known = (number: number) =>
  recordPending(yard.store.db, {
    id: guid(number),
    connection: connectionName(),
    event: "workflow_job",
    body: new Uint8Array(),
    receivedAtMs: 0,
  });

describe("a delivery that failed", () => {
  it("is asked for again, once, while it may be on its way", async () => {
    connection.hooks.attempts.push(failed(1, yard.clock.nowMs()));
    await pass();
    await pass(SECOND_MS);
    expect(connection.hooks.redelivered).toEqual(["1"]);
    expect(connection.hooks.read).toEqual([]);
  });

  it("is left alone once the store has it, whatever GitHub's log says", async () => {
    connection.hooks.attempts.push(failed(1, yard.clock.nowMs()));
    await known(1);
    await pass();
    expect(connection.hooks.redelivered).toEqual([]);
    expect(connection.memory.trouble.recover).toBeNull();
  });

  it("is taken from GitHub's log where it fails again, and becomes a job like any other", async () => {
    connection.hooks.attempts.push(failed(1, yard.clock.nowMs()));
    await pass();
    const again = { guid: guid(1), isRedelivery: true };
    connection.hooks.attempts.push(failed(2, yard.clock.nowMs() + SECOND_MS, again));
    connection.hooks.payloads.set("2", PAYLOAD);
    await pass(15 * SECOND_MS);
    await ingest(yard.context);
    expect(connection.hooks.read).toEqual(["2"]);
    expect((await loadJob(yard.store.db, connectionName(), parseJobId(77)))?.job.status).toBe("queued");
    await pass(15 * SECOND_MS);
    expect(connection.hooks.read).toEqual(["2"]);
    expect(connection.memory.trouble.recover).toBeNull();
  });

  it("is given up after some tries, and the log is then read from later on", async () => {
    connection.hooks.attempts.push(failed(1, yard.clock.nowMs()));
    for (let count = 0; count < 10; count += 1) await pass(MINUTE_MS / 2);
    expect(connection.hooks.redelivered).toEqual(["1"]);
    expect(connection.hooks.read).toEqual(["1", "1", "1"]);
    expect(connection.hooks.askedSinceMs.at(-1)).toBeGreaterThan(10 * MINUTE_MS);
  });

  it.each<GitHubErrorCode>(["github-invalid", "github-not-found", "github-forbidden"])(
    "and that GitHub does not hand out (%s) holds up no other",
    async (code) => {
      const poison = Array.from({ length: 30 }, (_, index) => failed(100 + index, yard.clock.nowMs()));
      connection.hooks.attempts.push(failed(1, yard.clock.nowMs() - MINUTE_MS), ...poison);
      const { hooks } = connection;
      const redeliver = hooks.redeliver.bind(hooks);
      const readPayload = hooks.readPayload.bind(hooks);
      const refusePoison = (id: string) => {
        if (id !== "1") throw new GitHubError(code, "asking for a delivery again");
      };
      hooks.redeliver = async (hook, id) => {
        refusePoison(id);
        await redeliver(hook, id);
      };
      hooks.readPayload = async (hook, id) => {
        refusePoison(id);
        return await readPayload(hook, id);
      };
      hooks.payloads.set("1", PAYLOAD);
      await pass();
      expect([...hooks.redelivered, ...hooks.read]).toEqual(["1"]);
    },
  );

  it("of another event is nothing to us", async () => {
    connection.hooks.attempts.push(failed(1, yard.clock.nowMs(), { event: "ping" }));
    await pass();
    expect(connection.hooks.redelivered).toEqual([]);
  });

  it("is told on the status page in GitHub's words", async () => {
    connection.hooks.attempts.push(
      failed(1, yard.clock.nowMs(), { statusCode: 401, status: "Invalid HTTP Response: 401" }),
    );
    await pass();
    expect(connection.memory.trouble.recover?.text).toBe(
      "1 webhook delivery did not arrive and GitHub is asked again, the last one: status 401",
    );
  });
});

describe("the delivery log", () => {
  it("is read a day back at the start, and then from where it was read to", async () => {
    await pass();
    const beganAtMs = yard.clock.nowMs();
    await pass(15 * SECOND_MS);
    expect(connection.hooks.askedSinceMs).toEqual([beganAtMs - DAY_MS - MINUTE_MS, beganAtMs - MINUTE_MS]);
  });

  it("is read from the oldest that is not settled yet", async () => {
    const oldMs = yard.clock.nowMs() - 5 * MINUTE_MS;
    connection.hooks.attempts.push(failed(1, oldMs));
    await pass();
    await pass(SECOND_MS);
    expect(connection.hooks.askedSinceMs[1]).toBe(oldMs - MINUTE_MS);
  });

  it("is read to its newest, and worked off, also after the time of day was set back", async () => {
    const { hooks, context } = connection;
    const { clock } = yard;
    hooks.attempts.push(failed(1, clock.nowMs()));
    hooks.payloads.set("1", PAYLOAD);
    await pass();
    const set: Clock = {
      nowMs: () => clock.nowMs() - DAY_MS,
      monotonicMs: () => clock.monotonicMs(),
      sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
    };
    hooks.attempts.push(failed(2, set.nowMs() + 15 * SECOND_MS));
    connection = { ...connection, context: { ...context, clock: set } };
    await pass(15 * SECOND_MS);
    expect([hooks.redelivered, hooks.read]).toEqual([["1", "2"], ["1"]]);
  });

  it("of a webhook that was deleted holds up that of no other, and is told of", async () => {
    const { hooks } = connection;
    const listFailed = hooks.listFailedDeliveries.bind(hooks);
    const [hook] = await hooks.findHooks();
    if (hook === undefined) throw new Error("there is a hook");
    const gone = { ...hook, path: "/orgs/gone/hooks/1" };
    hooks.findHooks = async () => [gone, hook];
    hooks.listFailedDeliveries = async (one, sinceMs) => {
      if (one === gone) throw new GitHubError("github-not-found", "listing the deliveries of a hook");
      return listFailed(one, sinceMs);
    };
    await pass();
    expect(connection.memory.trouble.recover?.code).toBe("github-not-found");
    hooks.attempts.push(failed(1, yard.clock.nowMs()));
    await pass(15 * SECOND_MS);
    expect(hooks.redelivered).toEqual(["1"]);
  });

  it("that cannot be read is told with its code, and left alone for as long as GitHub asks", async () => {
    connection.hooks.error = new GitHubError("github-forbidden", "listing hooks", { retryAfterMs: 5 * MINUTE_MS });
    await pass();
    expect(connection.memory.trouble.recover?.code).toBe("github-forbidden");
    connection.hooks.error = null;
    await pass(5 * MINUTE_MS - 1);
    expect(connection.hooks.askedSinceMs).toEqual([]);
    await pass(1);
    expect(connection.hooks.askedSinceMs).toHaveLength(1);
  });

  it("is not read by a process that holds no pool of the connection", async () => {
    connection.isHolding = false;
    await pass();
    expect(connection.hooks.askedSinceMs).toEqual([]);
  });

  it("of an outage is worked off over several passes: some are asked for again, the rest is read at once", async () => {
    for (let number = 1; number <= 200; number += 1) {
      connection.hooks.attempts.push(failed(number, yard.clock.nowMs()));
      connection.hooks.payloads.set(String(number), PAYLOAD);
    }
    await pass();
    expect([connection.hooks.redelivered.length, connection.hooks.read.length]).toEqual([20, 100]);
    await pass(SECOND_MS);
    expect(connection.hooks.redelivered).toHaveLength(40);
    await pass(15 * SECOND_MS);
    expect(new Set(connection.hooks.read).size).toBe(200);
    await pass(SECOND_MS);
    expect(connection.hooks.read).toHaveLength(200);
  });
});
