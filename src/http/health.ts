/** For supervisors and monitoring: no facts about jobs or machines, so nobody has to say who they are. */
import { Hono } from "hono";
import { z } from "zod";
import { type RouteNote, told } from "./route-notes.ts";

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

const LIVING: RouteNote = {
  caller: "anybody",
  says: "Whether the process answers.",
  answer: z.object({ status: z.literal("ok") }),
};
const READY: RouteNote = {
  caller: "anybody",
  says: "Whether this process holds its pools; 503 while it does not.",
  answer: z.object({ status: z.enum(["ready", "not-ready"]), problems: z.array(z.string()) }),
};
const METRICS: RouteNote = {
  caller: "anybody",
  says: "[Every figure](metrics.md).",
  answer: "Prometheus' text format",
};

export function createHealthApp(options: HealthAppOptions): Hono {
  const app = new Hono();
  app.get("/healthz", told(LIVING), (context) => context.json({ status: "ok" }, 200, { "cache-control": "no-store" }));
  app.get("/readyz", told(READY), (context) => {
    const { isReady, problems } = options.readHealth();
    return context.json({ status: isReady ? "ready" : "not-ready", problems }, isReady ? 200 : 503, {
      "cache-control": "no-store",
    });
  });
  app.get("/metrics", told(METRICS), async (context) =>
    context.text(await options.renderMetrics(), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "cache-control": "no-store",
    }),
  );
  return app;
}
