/** For supervisors and monitoring: no facts about jobs or machines, so nobody has to say who they are. */
import { Hono } from "hono";

export interface ControllerHealth {
  readonly name: string;
  /** Null for those that serve all pools. */
  readonly pool: string | null;
  /** Epoch milliseconds of its last pass; null before its first. */
  readonly lastRunAtMs: number | null;
  /** When it runs again without being woken: so long after its last pass. */
  readonly periodMs?: number;
  /** Of the last pass; null if it went well. */
  readonly lastError: string | null;
}

export interface Health {
  readonly isReady: boolean;
  /** Why it is not ready, or not well, each in a sentence. */
  readonly problems: readonly string[];
  readonly controllers: readonly ControllerHealth[];
}

export interface HealthAppOptions {
  readonly readHealth: () => Health;
  /** In Prometheus' text format. */
  readonly renderMetrics: () => Promise<string>;
}

export function createHealthApp(options: HealthAppOptions): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => context.json({ status: "ok" }, 200, { "cache-control": "no-store" }));
  app.get("/readyz", (context) => {
    const { isReady, problems } = options.readHealth();
    return context.json({ status: isReady ? "ready" : "not-ready", problems }, isReady ? 200 : 503, {
      "cache-control": "no-store",
    });
  });
  app.get("/metrics", async (context) =>
    context.text(await options.renderMetrics(), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "cache-control": "no-store",
    }),
  );
  return app;
}
