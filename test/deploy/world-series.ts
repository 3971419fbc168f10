/** What Prometheus would have scraped of a whole world, once a minute of its time, from the registry of production. */
import { createHmac } from "node:crypto";
import { createTelemetry } from "../../src/adapters/system/telemetry.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Scenario } from "../../src/simulator/scenario/scenario.ts";
import { HOOK_SECRET } from "../../src/simulator/world/controller.ts";
import { startTroubles } from "../../src/simulator/world/troubles.ts";
import { createWorld, type World } from "../../src/simulator/world/world.ts";

/** By the name of the series with its labels: its value at each scrape, null where it was not there. */
export type Series = ReadonlyMap<string, readonly (number | null)[]>;

/** @param disturb is called after each minute. */
export async function scrapeWorld(
  scenario: Scenario,
  disturb: (world: World, minute: number) => void = () => undefined,
): Promise<Series> {
  const { telemetry, renderMetrics } = createTelemetry({ level: "silent" });
  const world = createWorld(scenario, 1, null, { figures: telemetry });
  tellQuotas(world);
  world.webhooks.start();
  world.installation?.start();
  world.workload.start(scenario.durationMs);
  startTroubles(world);
  const series = new Map<string, (number | null)[]>();
  const minuteCount = scenario.durationMs / MINUTE_MS;
  for (let minute = 0; minute < minuteCount; minute += 1) {
    await world.scheduler.runUntil(scenario.startMs + (minute + 1) * MINUTE_MS, () => false);
    disturb(world, minute);
    for (const [name, value] of parseFigures(await renderMetrics())) {
      const values = series.get(name) ?? Array.from({ length: minute }, () => null);
      // Prometheus' own tests begin at time 0, and the world at its start.
      const isMoment = name.includes("_timestamp_seconds") && value > 0;
      series.set(name, [...values, isMoment ? value - scenario.startMs / SECOND_MS - 60 : value]);
    }
    for (const values of series.values()) if (values.length <= minute) values.push(null);
  }
  world.database?.close();
  return series;
}

/** The world's providers call a quota that is used up a want of capacity; that of EC2 calls it by its name, as here. */
function tellQuotas({ provider }: World): void {
  const forPool = provider.forPool.bind(provider);
  const telling: typeof provider.forPool = (...words) => {
    const port = forPool(...words);
    const launch = port.launch.bind(port);
    return Object.assign(port, {
      launch: (...request: Parameters<typeof launch>) =>
        launch(...request).catch((error: unknown) => {
          const isQuota = error instanceof ProviderError && error.message.includes("over the quota");
          throw isQuota ? new ProviderError("provider-quota", error.message) : error;
        }),
    });
  };
  Object.assign(provider, { forPool: telling });
}

function parseFigures(text: string): readonly (readonly [string, number])[] {
  return text.split("\n").flatMap((line) => {
    const [, name, value] = /^(holdfast_\S*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, Number(value)] as const];
  });
}

/** A delivery that GitHub signed and nobody can read. */
export function sendUnreadable({ installation }: World, id: string): void {
  const body = "{";
  const signature = createHmac("sha256", HOOK_SECRET).update(body).digest("hex");
  const headers = {
    "content-type": "application/json",
    "x-github-event": "workflow_job",
    "x-github-delivery": id,
    "x-hub-signature-256": `sha256=${signature}`,
  };
  installation?.receiveWebhook(headers, body, () => undefined);
}
