// Every method of the adapter over real HTTP against the simulated GitHub: what was asked and what was answered is
// checked against GitHub's own description of each place that it runs at. So the two of ours do not only suit each other.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { parseJobId, type RunnerId } from "../../src/domain/ids.ts";
import type { Hook, HookDelivery } from "../../src/ports/github-hooks.ts";
import { DEFAULT_PERMISSIONS } from "../../src/simulator/github/options.ts";
import {
  type SimulatedGitHub,
  type SimulatedGitHubOptions,
  startSimulatedGitHub,
} from "../../src/simulator/server/simulated-github.ts";
import {
  ACME,
  ACME_GROUP,
  attempt,
  GIVEN,
  type Given,
  METHOD_NAMES,
  type MethodName,
  WIDGETS,
} from "./github/adapter-calls.ts";
import { APP_KEYS, appAuth, type Connected, connectTo, type SeenExchange } from "./github/connecting.ts";
import { DESCRIPTION_NAMES, type DescriptionName, describeCall, readDescription } from "./github/contract.ts";

const SCOPES = { organization: ACME, repository: WIDGETS, enterprise: ACME_GROUP };
type Row = readonly [auth: "app" | "token", scope: keyof typeof SCOPES];
/** The descriptions let no installation token touch an enterprise's runners. */
const ROWS: readonly Row[] = [
  ["app", "organization"],
  ["app", "repository"],
  ["token", "organization"],
  ["token", "repository"],
  ["token", "enterprise"],
];

let webhooks: Server;
const started: SimulatedGitHub[] = [];

beforeAll(async () => {
  webhooks = createServer((_request, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => webhooks.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  for (const simulated of started) await simulated.close();
  webhooks.close();
});

interface House {
  readonly simulated: SimulatedGitHub;
  /** A job is queued, and no webhook about it was taken. */
  readonly given: Given;
}

async function startHouse(options: SimulatedGitHubOptions = {}): Promise<House> {
  const webhooksUrl = `http://127.0.0.1:${(webhooks.address() as AddressInfo).port}/webhooks`;
  const simulated = await startSimulatedGitHub({
    repositories: ["acme/widgets"],
    appPublicKey: APP_KEYS.publicKey,
    ...options,
    github: {
      appPermissions: { ...DEFAULT_PERMISSIONS, actions: "write" },
      enterprises: [{ slug: "acme-group", organizations: ["acme"] }],
      deprecations: { [GIVEN.runnerVersion]: { runtime_deprecates_at: "2027-03-01T00:00:00Z" } },
      hasLargeDeliveryIds: true,
      ...options.github,
    },
  });
  started.push(simulated);
  const target = { url: webhooksUrl, secret: "s" };
  simulated.setWebhook(target);
  simulated.addHook({ kind: "organization", organization: "acme" }, target);
  simulated.addHook({ kind: "repository", fullName: "acme/widgets" }, target);
  const jobId = simulated.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps: ["make"] });
  const areAllTried = () => simulated.deliveries().every(({ status }) => status === "failed");
  await simulated.waitFor("every delivery refused", areAllTried, 10_000);
  const runId = simulated.jobs().find(({ id }) => id === jobId)?.runId ?? GIVEN.runId;
  return { simulated, given: { ...GIVEN, webhooksUrl, jobId: parseJobId(jobId), runId } };
}

function connect({ simulated }: House, auth: Row[0]): Connected {
  return connectTo(({ url }, init) => fetch(url, init), {
    apiUrl: simulated.apiUrl,
    auth: auth === "app" ? appAuth(simulated.appId) : { kind: "token", token: simulated.token },
    clock: systemClock(),
  });
}

type Said = Partial<Record<MethodName, unknown>>;

/** Calls each method, with what the ones before it told. */
async function useEvery({ connection }: Connected, start: Given): Promise<Said> {
  const said: Said = {};
  let now = start;
  for (const name of METHOD_NAMES) {
    now = { ...now, nowMs: systemClock().nowMs() };
    said[name] = await attempt(connection, name, now);
    if (name === "mintTicket") now = { ...now, runnerId: (said[name] as { readonly runnerId: RunnerId }).runnerId };
    if (name === "findHooks") now = { ...now, hook: (said[name] as readonly Hook[])[0] ?? now.hook };
    if (name === "listDeliveries")
      now = { ...now, deliveryId: (said[name] as readonly HookDelivery[])[0]?.id ?? now.deliveryId };
  }
  return said;
}

function judge(place: DescriptionName, seen: readonly SeenExchange[]): readonly string[] {
  return seen.flatMap(({ method, path, query, body, status, answer }) => {
    const call = describeCall(place, method, path);
    return call === null ? [] : [...call.checkRequest(query, body), ...call.checkAnswer(status, answer)];
  });
}

/** By the place that has the most. */
function nameOf({ method, path }: SeenExchange): string {
  return describeCall("ghec", method, path)?.name ?? `${method} ${path}, which is nowhere`;
}

const called = new Set<string>();

describe("asks and is answered as GitHub describes it", () => {
  let house: House;

  beforeAll(async () => {
    house = await startHouse();
  });

  it.each(ROWS)("as %s, scope %s", async (auth, scope) => {
    const { given } = house;
    const connected = connect(house, auth);
    const runnerName = `holdfast-${auth}-${scope}`;
    const inScope = { ...given, scope: SCOPES[scope], runnerName };
    if (scope === "enterprise") {
      // An enterprise's webhooks are nowhere in the REST interface: the organization's stand in for it below.
      const found = await connected.connection.hooks.findHooks([ACME], given.webhooksUrl);
      Object.assign(inScope, { hook: found[0] });
    }
    const said = await useEvery(connected, inScope);
    expect(said).toMatchObject({
      findRunner: { kind: "present", value: { name: runnerName } },
      listRunners: [{ name: runnerName }],
      deleteRunner: "deleted",
      getJob: { kind: "present", value: { id: given.jobId, status: "queued" } },
      getRun: { kind: "present", value: { attempt: 1, isCompleted: false, jobs: [{ id: given.jobId }] } },
      // Its run goes on.
      rerunJob: "refused",
      listOpenJobs: [{ id: given.jobId }],
      listRepositories: ["acme/widgets"],
      readDeprecation: { kind: "present", value: { runtimeEndsAtMs: Date.UTC(2027, 2, 1) } },
      findHooks: scope === "enterprise" ? [] : [{ url: given.webhooksUrl }],
      describe: { kind: auth },
      listRunnerGroups: scope === "repository" ? [] : [{ name: "Default" }],
    });
    const listed = said.listDeliveries as readonly HookDelivery[];
    expect(listed.map(({ statusCode }) => statusCode)).toEqual(listed.map(() => 503));
    expect(Number.isSafeInteger(Number(listed[0]?.id))).toBe(false);
    await refusedAndRepeated(connected, inScope);
    for (const exchange of connected.seen) called.add(nameOf(exchange));
    for (const place of DESCRIPTION_NAMES) expect([place, judge(place, connected.seen)]).toEqual([place, []]);
  });

  /** What GitHub refuses, what it answers to a question that it was asked before, and the lists of everything. */
  async function refusedAndRepeated({ connection, seen }: Connected, start: Given): Promise<void> {
    const now = { ...start, nowMs: systemClock().nowMs() };
    const minted = (await attempt(connection, "mintTicket", now)) as { readonly runnerId: RunnerId };
    await expect(attempt(connection, "mintTicket", now)).rejects.toMatchObject({ code: "github-name-taken" });
    const again = { ...now, runnerId: minted.runnerId };
    expect(await attempt(connection, "listRunners", again)).toHaveLength(1);
    expect(await attempt(connection, "listRunners", again)).toHaveLength(1);
    expect(seen.at(-1)?.status).toBe(304);
    expect(await attempt(connection, "deleteRunner", again)).toBe("deleted");
    expect(await attempt(connection, "deleteRunner", again)).toBe("absent");
    expect(await attempt(connection, "readDeprecation", { ...again, runnerVersion: "1.0.0" })).toMatchObject({
      kind: "absent",
    });
    expect(await attempt(connection, "listRepositories", { ...again, owner: null })).toEqual(["acme/widgets"]);
    const statuses = new Set(seen.map(({ status }) => status));
    expect([...statuses].sort()).toEqual([200, 201, 202, 204, 304, 403, 404, 409]);
  }

  it.each(["app", "token"] as const)("under the path of an Enterprise Server without limits, as %s", async (auth) => {
    const server = await startHouse({ basePath: "/api/v3", github: { primaryLimit: 0, pointsPerMinute: 0 } });
    const connected = connect(server, auth);
    const said = await useEvery(connected, server.given);
    expect(said).toMatchObject({ listRunners: [{ name: GIVEN.runnerName }], deleteRunner: "deleted" });
    for (const { url } of connected.seen) expect(new URL(url).pathname).toMatch(/^\/api\/v3\//);
    expect(connected.connection.readBudgets().map(({ primary }) => primary)).not.toContainEqual(expect.anything());
    for (const place of DESCRIPTION_NAMES) expect([place, judge(place, connected.seen)]).toEqual([place, []]);
  });

  it("without a token that is good, too", async () => {
    const { simulated, given } = house;
    const { connection, seen } = connectTo(({ url }, init) => fetch(url, init), {
      apiUrl: simulated.apiUrl,
      clock: systemClock(),
    });
    for (const name of METHOD_NAMES)
      await attempt(connection, name, { ...given, nowMs: systemClock().nowMs() }).catch(() => null);
    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([401]));
    for (const place of DESCRIPTION_NAMES) expect([place, judge(place, seen)]).toEqual([place, []]);
  });

  it("by every call that is described, but for those that a connection has no use for", () => {
    const unused = Object.keys(readDescription("ghec").calls).filter((call) => !called.has(call));
    expect(unused.sort()).toEqual([
      "GET /enterprises/{enterprise}/actions/runners/{runner_id}",
      // An App's way into an enterprise, where it could do nothing.
      "GET /enterprises/{enterprise}/installation",
      "GET /orgs/{org}/actions/runners/{runner_id}",
      "GET /repos/{owner}/{repo}/actions/runners/{runner_id}",
      // Only where there is no organization of a name.
      "GET /users/{username}/installation",
      // `holdfast init` asks it before there is a connection.
      "POST /app-manifests/{code}/conversions",
    ]);
    expect([...called].filter((call) => call.includes("nowhere"))).toEqual([]);
  });
});
