/** Traces of the whole system: jobs that really run, and a collector that reads what is sent of it. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { DEMO_LABELS, openStage, type Stage } from "../../src/app/demo/stage.ts";
import { createParts } from "../../src/app/parts.ts";
import { openTraces } from "../../src/app/traces.ts";
import type { SystemParts } from "../../src/app/wire.ts";
import { ATTRIBUTES, SPANS, type SpanName } from "../../src/ports/traces.ts";
import { listMachines } from "../../src/store/machines/list.ts";
import { type CollectedSpan, startCollector } from "../adapters/opentelemetry/collector.ts";

const LOOK_MS = 50;
const JOBS = 3;
/** Of the webhook's secret and the key of the agents' tokens; ids are shorter. */
const SECRET_LENGTH = 32;
/** Longer than any id; a registration's secret has thousands of characters, and would be cut to 200. */
const VALUE_LENGTH_MAX = 80;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock().sleep(LOOK_MS);
}

async function runJobs(stage: Stage): Promise<readonly number[]> {
  const ids = Array.from({ length: JOBS }, (_, index) =>
    stage.github.queueJob({
      repository: "acme/widgets",
      name: `job ${index}`,
      labels: [...DEMO_LABELS],
      steps: ["true"],
    }),
  );
  await until(() => stage.github.jobs().every(({ status }) => status === "completed"));
  stage.holdfast.takeDown();
  await until(async () => {
    const machines = await listMachines(stage.holdfast.store.db, { includeGone: false, limitCount: 1 });
    return machines.length === 0 && stage.github.runners().length === 0;
  });
  return ids;
}

function about(spans: readonly CollectedSpan[], name: string, attributes: Readonly<Record<string, unknown>>) {
  return spans.filter(
    (span) => span.name === name && Object.entries(attributes).every(([key, value]) => span.attributes[key] === value),
  );
}

it("a job's way is followed from its webhook to its ticket and back, and no secret is on it", async () => {
  const collector = await startCollector();
  const headers = { "x-api-key": "SECRETOFCOLLECTOR" };
  const tracer = await openTraces({ url: collector.url, ratio: 1, headers, caPem: null }, systemClock());
  const drawn: string[] = [];
  const stage = await openStage({
    port: 0,
    createParts: (directory) => withDrawn(createParts({ logFile: join(directory, "holdfast.log"), tracer }), drawn),
  });
  let jobs: readonly number[];
  try {
    jobs = await runJobs(stage);
  } finally {
    await stage.close(false);
    await tracer?.close();
  }
  const { spans } = collector;
  const ran = stage.github
    .jobs()
    .map(({ id, runnerName }) => ({ job: id, ticketId: runnerName?.replace(/^hf-.*-/, "t-") }));
  expect(new Set(ran.map(({ ticketId }) => ticketId)).size).toBe(JOBS);
  for (const { job, ticketId } of ran) {
    const deliveries = about(spans, "delivery apply", { "holdfast.job": job, "holdfast.outcome": "applied" });
    const delivery = deliveries[0]?.attributes["holdfast.delivery"];
    expect(
      about(spans, "webhook receive", { "holdfast.delivery": delivery, "holdfast.outcome": "stored" }),
    ).not.toEqual([]);
    // GitHub gives a job to any runner of its labels: the ticket that ran it may have been minted for another.
    const ticket = { "holdfast.ticket": ticketId };
    const mints = about(spans, "ticket mint", ticket);
    expect(mints).toHaveLength(1);
    const { "holdfast.job": meant, "holdfast.machine": machine } = mints[0]?.attributes ?? {};
    expect(jobs).toContain(meant);
    expect(about(spans, "assign mint", { ...ticket, "holdfast.job": meant })).toHaveLength(1);
    expect(about(spans, "ticket deliver", { ...ticket, "holdfast.job": meant })).toHaveLength(1);
    expect(about(spans, "agent report", { ...ticket, "holdfast.machine": machine })).not.toEqual([]);
    expect(about(spans, "provider terminate", { "holdfast.machine": machine })).not.toEqual([]);
  }
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const parentOf = ({ parentSpanId }: CollectedSpan): string | undefined => byId.get(parentSpanId)?.name;
  const parents = (name: string) => new Set(spans.filter((span) => span.name === name).map(parentOf));
  expect(parents("ticket mint")).toEqual(new Set(["pass mint"]));
  expect(parents("github generate-jitconfig")).toEqual(new Set(["ticket mint"]));
  expect(parents("exchange generate-jitconfig")).toEqual(new Set(["github generate-jitconfig"]));
  expect(parents("provider launch")).toEqual(new Set(["pass launch"]));
  expect(parents("delivery apply")).toEqual(new Set(["pass ingest"]));
  expect(parents("webhook receive")).toEqual(new Set([undefined]));
  expectKnown(spans);
  expect(spans.filter(({ isFailed }) => isFailed).map(({ name, attributes }) => [name, attributes])).toEqual([]);
  const secrets = drawn.filter((text) => text.length >= SECRET_LENGTH);
  expect(secrets.length).toBeGreaterThan(1);
  for (const secret of [...secrets, stage.github.token, headers["x-api-key"]])
    expect(collector.requests.some(({ body }) => body.includes(secret))).toBe(false);
});

/** Whatever is drawn by chance is noted, secrets among it. */
function withDrawn(parts: SystemParts, drawn: string[]): SystemParts {
  const token = (length: number): string => {
    const text = parts.random.token(length);
    drawn.push(text);
    return text;
  };
  return { ...parts, random: { ...parts.random, token } };
}

/** Names are words without ids, and every attribute is one of the catalogue's for that span. */
function expectKnown(spans: readonly CollectedSpan[]): void {
  for (const { name, attributes } of spans) {
    const [first = "", word = ""] = name.split(" ");
    const shape = SPANS[first as SpanName];
    expect(word).toMatch(/^[a-z]+(-[a-z]+)*$/);
    const keys = shape.attributes.map((one) => ATTRIBUTES[one].key as string);
    for (const [key, value] of Object.entries(attributes)) {
      expect(keys).toContain(key);
      for (const text of [value].flat()) expect(String(text).length).toBeLessThanOrEqual(VALUE_LENGTH_MAX);
    }
  }
}
