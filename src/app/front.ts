/** The listening sockets: one for each address that is configured, with whatever surfaces share it. */
import { Hono } from "hono";
import { type Address, type Listener, listen } from "../http/server.ts";
import type { Clock } from "../ports/clock.ts";
import type { Config } from "./config/config.ts";

export interface FrontApps {
  readonly webhooks: Hono;
  readonly agents: Hono;
  readonly operators: Hono;
  readonly pages: Hono;
  /** Served on every address. */
  readonly health: Hono;
}

const SURFACES = ["webhooks", "agents", "operators"] as const;
type Surface = (typeof SURFACES)[number];

export interface Front {
  readonly addresses: Readonly<Record<Surface, string>>;
  /** How agents reach us: as configured, or the real port where any free one was asked for. */
  readonly agentsUrl: string;
  close(): Promise<void>;
}

/** Which paths of a surface go to which app; the first that fits. */
const ROUTES: Readonly<Record<Surface, readonly { readonly path: string; readonly app: keyof FrontApps }[]>> = {
  webhooks: [{ path: "/webhooks/*", app: "webhooks" }],
  agents: [{ path: "/agent/*", app: "agents" }],
  operators: [
    { path: "/api/*", app: "operators" },
    { path: "/*", app: "pages" },
  ],
};

/** @throws {HoldfastError} `port-in-use` */
export async function openFront(config: Config, clock: Clock, apps: FrontApps): Promise<Front> {
  const byAddress = Map.groupBy(SURFACES, (surface) => `${config.listen[surface].host}:${config.listen[surface].port}`);
  const listeners: Listener[] = [];
  const addresses: Partial<Record<Surface, string>> = {};
  try {
    for (const surfaces of byAddress.values()) {
      const address = addressOf(config, surfaces);
      const listener = await listen(combine(surfaces, apps), address, surfaces.join(", "), clock);
      listeners.push(listener);
      for (const surface of surfaces) addresses[surface] = urlOf(address.host, listener.port);
    }
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
  const { webhooks = "", agents = "", operators = "" } = addresses;
  return {
    addresses: { webhooks, agents, operators },
    agentsUrl: config.listen.agents.port === 0 ? agents : config.urls.agents,
    close: async () => {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

function addressOf(config: Config, surfaces: readonly Surface[]): Address {
  return config.listen[surfaces[0] ?? "operators"];
}

function combine(surfaces: readonly Surface[], apps: FrontApps): Hono {
  const app = new Hono();
  for (const path of ["/healthz", "/readyz", "/metrics"])
    app.all(path, (context) => apps.health.fetch(context.req.raw, context.env));
  for (const { path, app: name } of SURFACES.filter((one) => surfaces.includes(one)).flatMap((one) => ROUTES[one]))
    app.all(path, (context) => apps[name].fetch(context.req.raw, context.env));
  return app;
}

/** A wildcard address is reached over loopback from here. */
function urlOf(host: string, port: number): string {
  const reachable =
    host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}
