import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CommandOptions, runCommand } from "../../../src/app/commands/command.ts";
import { textWidth } from "../../../src/app/terminal/text-width.ts";
import type { JobId } from "../../../src/domain/ids.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import { loadJob } from "../../../src/store/jobs/load.ts";
import { saveJob } from "../../../src/store/jobs/save.ts";
import type { Store } from "../../../src/store/store.ts";
import { connectionName, jobId } from "../../domain/builders.ts";
import { openSampleStore, sampleSources } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { openScreen } from "./screen.ts";

const ALICE = { name: "alice", role: "operator", token: "alice-token-0123456789" } as const;
const BOB = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;

let store: Store;
let listener: Listener;
beforeEach(async () => {
  store = await openSampleStore();
  await setApart(jobId(3));
  const given = { operators: [ALICE, BOB], telemetry: recordTelemetry(), wake: recordWakes() };
  const app = createOperatorApp({ ...given, sources: sampleSources(store) });
  listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
});
afterEach(async () => {
  await listener.close();
  await store.close();
});

/** The jobs of the sample are of one run. */
async function setApart(id: JobId): Promise<void> {
  const row = await loadJob(store.db, connectionName(), id);
  if (row === null) throw new Error(`no job ${id}`);
  await saveJob(store.db, { ...row, job: { ...row.job, runId: 4_711 } }, row.version, row.updatedAtMs);
}

async function rerun(subject: string, options: CommandOptions = {}, { as = ALICE.token as string, columns = 80 } = {}) {
  const io = openScreen({ columns, environment: { HOLDFAST_TOKEN: as } });
  const server = `http://127.0.0.1:${listener.port}`;
  const code = await runCommand("rerun", subject, { server, ...options }, io);
  return { code, out: io.out(), err: io.err() };
}

it.each([80, 120])("looks as it should at %i columns, and fits", async (columns) => {
  const { code, out, err } = await rerun("m-00000002", { reason: "spot took it" }, { columns });
  expect([code, err]).toEqual([0, ""]);
  await expect(out).toMatchFileSnapshot(`golden/say-rerun-${columns}.txt`);
  for (const line of out.split("\n")) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
});

it("is said twice and taken once: exit 0, and it says so", async () => {
  await rerun("3", { reason: "spot took it" });
  const { code, out } = await rerun("3");
  expect(code).toBe(0);
  expect(out).toMatch(/^Already so: Job 3 of acme\/widgets, "test": It is wanted again by alice/);
});

describe("failures", () => {
  it.each<[string, string, number, RegExp]>([
    ["nothing named", " ", 2, /nothing is named/],
    ["a job that nobody knows", "4712", 4, /`holdfast jobs` lists the jobs/],
    ["a job that runs", "7", 1, /The job is not over/],
    ["a machine on which no job ran", "m-00000003", 4, /GitHub has named no job that ran on machine m-00000003/],
    ["a pool", "linux", 4, /running linux again/],
  ])("%s", async (_name, subject, exitCode, text) => {
    const { code, out, err } = await rerun(subject);
    expect([code, out]).toEqual([exitCode, ""]);
    expect(err.replace(/\n +/g, " ")).toMatch(text);
  });

  it("a reader may not", async () => {
    expect((await rerun("3", {}, { as: BOB.token })).code).toBe(5);
  });
});
