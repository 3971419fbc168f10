import { expect, it } from "vitest";
import { createHealthApp, type Health } from "../../src/http/health.ts";

function healthApp(health: Partial<Health> = {}) {
  const readHealth = () => ({ isReady: true, problems: [], controllers: [], ...health });
  return createHealthApp({ readHealth, renderMetrics: () => Promise.resolve("# HELP a b\na 1\n") });
}

it.each<[string, string, Partial<Health>, number]>([
  ["/healthz while ready", "/healthz", {}, 200],
  ["/healthz while not ready", "/healthz", { isReady: false }, 200],
  ["/readyz while ready", "/readyz", { problems: ["a pool has no credentials"] }, 200],
  ["/readyz while not ready", "/readyz", { isReady: false, problems: ["the store takes no writes"] }, 503],
])("%s", async (_name, path, health, status) => {
  const response = await healthApp(health).request(path);
  expect(response.status).toBe(status);
  if (path === "/readyz") expect(await response.json()).toMatchObject({ problems: health.problems });
});

it("/metrics is in Prometheus' text format", async () => {
  const response = await healthApp().request("/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toBe("# HELP a b\na 1\n");
});
