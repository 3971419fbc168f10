import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PlanOptions, runPlan } from "../../../src/app/commands/plan.ts";
import { textWidth } from "../../../src/app/terminal/text-width.ts";
import { PlanAnswer } from "../../../src/http/operators/answer-plan.ts";
import { ProblemAnswer } from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import type { Store } from "../../../src/store/store.ts";
import { foretoldSources } from "../../http/foretold-fleet.ts";
import { openSampleStore, sampleSources } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { readContents } from "../../store/contents.ts";
import { openScreen } from "./screen.ts";

const READER = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;

let store: Store;
let listener: Listener;
let server: string;
beforeAll(async () => {
  store = await openSampleStore();
  const given = { telemetry: recordTelemetry(), wake: recordWakes(), operators: [READER] };
  const app = createOperatorApp({ ...given, sources: foretoldSources(store) });
  listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
  server = `http://127.0.0.1:${listener.port}`;
});
afterAll(async () => {
  await listener.close();
  await store.close();
});

async function plan(pool: string | null, options: PlanOptions = {}, columns = 80) {
  const io = openScreen({ columns, environment: { HOLDFAST_TOKEN: READER.token } });
  const code = await runPlan(pool, { server, ...options }, io);
  return { code, out: io.out(), err: io.err() };
}

describe.each([80, 120])("at %i columns", (columns) => {
  it.each<[string, string | null]>([
    ["plan", null],
    ["plan-pool", "gpu"],
  ])("%s looks as it should, and fits", async (name, pool) => {
    const { code, out, err } = await plan(pool, {}, columns);
    expect([code, err]).toEqual([0, ""]);
    await expect(out).toMatchFileSnapshot(`golden/${name}-${columns}.txt`);
    for (const line of out.split("\n")) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
  });
});

it("--json is what the server answered, and nothing is written for it", async () => {
  const before = await readContents(store);
  const { code, out } = await plan("linux", { json: true });
  expect(code).toBe(0);
  expect(PlanAnswer.parse(JSON.parse(out)).pools.map(({ name }) => name)).toEqual(["linux"]);
  expect(await readContents(store)).toEqual(before);
});

it("--limit leaves out steps, and says how many", async () => {
  const { out } = await plan("linux", { limit: 1 });
  expect(out).toMatch(/^\d+ more steps; --limit shows more of them\.$/m);
});

describe("failures", () => {
  it.each<[string, string, number, RegExp]>([
    ["a pool that is not there", "nothing", 4, /planning the next pass of a pool called nothing/],
    ["a name of another kind", "m-00000001", 4, /`holdfast status` lists the pools/],
    ["garbage", "\u0000%2e%2e/../x", 4, /planning the next pass/],
    ["nothing named", " ", 2, /nothing is named/],
  ])("%s", async (_name, pool, exitCode, text) => {
    const { code, out, err } = await plan(pool);
    expect([code, out]).toEqual([exitCode, ""]);
    expect(err).toMatch(text);
  });

  it.each(["limit=0", "limit=1001", "limit=x", "pool=linux"])("the query %s", async (query) => {
    const headers = { authorization: `Bearer ${READER.token}` };
    const response = await fetch(`${server}/api/v1/plan?${query}`, { headers });
    expect(response.status).toBe(400);
    expect(ProblemAnswer.parse(await response.json()).code).toBe("payload-invalid");
  });

  it("a server that cares for no pool yet says so", async () => {
    const given = { telemetry: recordTelemetry(), wake: recordWakes(), operators: [READER] };
    const app = createOperatorApp({ ...given, sources: sampleSources(store) });
    const headers = { authorization: `Bearer ${READER.token}` };
    const response = await app.request("/api/v1/plan", { headers });
    expect(PlanAnswer.parse(await response.json()).pools).toEqual([]);
  });
});
