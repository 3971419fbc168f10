/** The listening sockets: one for each address that is configured, with whatever surfaces share it. */
import { type Context, Hono } from "hono";
import { createCallerReader, type ReadCaller } from "../http/caller.ts";
import { ServedCertificate } from "../http/certificate.ts";
import { createHostGuard } from "../http/hosts.ts";
import { problem } from "../http/problem.ts";
import { RefusalLog } from "../http/refusals.ts";
import { type Address, type Listener, listen } from "../http/server.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";
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

/** What every request passes, whatever it is for. */
interface Gate {
  readonly readCaller: ReadCaller;
  readonly isHostKnown: (hostHeader: string | undefined) => boolean;
  readonly refusals: RefusalLog;
}

/**
 * @throws {HoldfastError} `port-in-use` | `config-unreadable` | `config-invalid`, the latter two for a certificate that
 *   changed since the configuration was read.
 */
export async function openFront(config: Config, clock: Clock, apps: FrontApps, telemetry: Telemetry): Promise<Front> {
  const { tls } = config.listen;
  const certificate = tls === null ? null : await ServedCertificate.open(tls, clock, telemetry);
  const gate = createGate(config, clock, telemetry);
  const byAddress = Map.groupBy(SURFACES, (surface) => `${config.listen[surface].host}:${config.listen[surface].port}`);
  const listeners: Listener[] = [];
  const addresses: Partial<Record<Surface, string>> = {};
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
    await certificate?.close();
  };
  try {
    for (const surfaces of byAddress.values()) {
      const address = addressOf(config, surfaces);
      const app = combine(surfaces, apps, gate);
      const listener = await listen(app, address, surfaces.join(", "), clock, certificate);
      listeners.push(listener);
      const url = urlOf(certificate === null ? "http" : "https", address.host, listener.port);
      for (const surface of surfaces) addresses[surface] = url;
    }
  } catch (error) {
    await close();
    throw error;
  }
  const { webhooks = "", agents = "", operators = "" } = addresses;
  return {
    addresses: { webhooks, agents, operators },
    agentsUrl: config.listen.agents.port === 0 ? agents : config.urls.agents,
    close,
  };
}

function createGate({ listen: { operators, trustedProxies }, urls }: Config, clock: Clock, telemetry: Telemetry): Gate {
  const { webhooks, agents } = urls;
  return {
    readCaller: createCallerReader(trustedProxies),
    isHostKnown: createHostGuard([
      operators.host,
      webhooks,
      agents,
      ...(urls.operators === null ? [] : [urls.operators]),
    ]),
    refusals: new RefusalLog(clock, telemetry),
  };
}

function addressOf(config: Config, surfaces: readonly Surface[]): Address {
  return config.listen[surfaces[0] ?? "operators"];
}

function combine(surfaces: readonly Surface[], apps: FrontApps, gate: Gate): Hono {
  const app = new Hono();
  for (const path of ["/healthz", "/readyz", "/metrics"])
    app.all(path, (context) => apps.health.fetch(context.req.raw, context.env));
  for (const surface of SURFACES.filter((one) => surfaces.includes(one))) {
    for (const { path, app: name } of ROUTES[surface])
      app.all(path, (context) => admit(context, surface, apps[name], gate));
  }
  return app;
}

async function admit(context: Context, surface: Surface, app: Hono, gate: Gate): Promise<Response> {
  const { method, path } = context.req;
  const caller = gate.readCaller(context.env.incoming);
  const isRebound = surface === "operators" && !gate.isHostKnown(context.req.header("host"));
  const response = isRebound
    ? problem("forbidden", `${method} ${path} under a host name that is not known`, { mend: UNKNOWN_HOST_MEND })
    : await app.fetch(context.req.raw, { ...context.env, caller });
  const { status } = response;
  if (isWorthNoting(surface, status, context)) gate.refusals.note({ surface, caller, status, method, path });
  return response;
}

const UNKNOWN_HOST_MEND =
  "Open it under an IP address or localhost, or set `urls.operators` in the configuration to the address in use.";

/**
 * The agents' app tells of its own refusals, with the machine. A browser's first call has no credentials yet, and is asked
 * for them.
 */
function isWorthNoting(surface: Surface, status: number, context: Context): boolean {
  if (surface === "agents") return false;
  const isAsked = surface === "operators" && context.req.header("authorization") === undefined;
  return status === 403 || (status === 401 && !isAsked);
}

/** A wildcard address is reached over loopback from here. */
function urlOf(scheme: "http" | "https", host: string, port: number): string {
  const reachable =
    host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${reachable}:${port}`;
}
