/** One for each deployment of GitHub and each scope: a job comes, runs where it should, and nothing is left. */
import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { JobsAnswer, MachinesAnswer, StatusAnswer } from "../../src/http/operators/answers.ts";
import type { AppOption, Permissions } from "../../src/simulator/github/options.ts";
import type { RunnerSnapshot } from "../../src/simulator/server/snapshots.ts";
import { startProxy } from "../adapters/network/place.ts";
import { openTlsDoor } from "./doors.ts";
import { GHE_CERTIFICATE, GHE_HOST } from "./ghe-certificate.ts";
import { type House, openHouseAt, startGitHub, until } from "./house.ts";
import { type ConnectionPlan, LABELS } from "./settings.ts";

const PATIENCE_MS = 60_000;

let house: House;
afterEach(() => house.close());

function queue(repository: string, labels: readonly string[] = LABELS): number {
  return house.github.queueJob({ repository, labels, steps: ["echo ran"] });
}

/** @returns the registrations that ran the jobs, in the order of the jobs. */
async function untilRan(...ids: readonly number[]): Promise<readonly RunnerSnapshot[]> {
  expect(await house.untilCompleted(ids, PATIENCE_MS)).toEqual(ids.map(() => "success"));
  const jobs = house.github.jobs();
  const runners = house.github.runners("ended-too");
  return ids.flatMap((id) => {
    const job = jobs.find((one) => one.id === id);
    expect(job?.cause).toBe("reported-by-runner");
    return runners.filter((runner) => runner.id === job?.runnerId);
  });
}

/** Nothing is left at GitHub or here, and nothing that Holdfast does at GitHub was refused on the way. */
async function untilEmptyAndWell(): Promise<void> {
  await house.untilEmpty(PATIENCE_MS);
  const status = () => house.get<StatusAnswer>("/api/v1/status");
  await until(
    async () => (await status()).connections.every(({ lookedAt }) => lookedAt !== null),
    PATIENCE_MS,
    () => "every repository was looked at for jobs that no webhook told of",
  );
  const { connections, health } = await status();
  expect(connections.flatMap(({ troubles }) => troubles)).toEqual([]);
  expect(health.problems).toEqual([]);
}

interface KeyedApp {
  readonly option: AppOption;
  readonly plan: ConnectionPlan;
}

/** An App whose signature GitHub checks, installed on that account alone. */
function makeApp(id: number, installationId: number, account: string, permissions: Permissions): KeyedApp {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const installations = [{ id: installationId, account }];
  return {
    option: { id, slug: `holdfast-${id}`, publicKey, permissions, installations },
    plan: { app: { id, privateKeyPem: privateKey } },
  };
}

/** What docs/guide/github.md asks for, and nothing more. */
const FOR_ORGANIZATIONS: Permissions = {
  actions: "read",
  metadata: "read",
  organization_self_hosted_runners: "write",
};

describe("github.com", () => {
  it("an App, an organization, a runner group by its name", async () => {
    const app = makeApp(101, 1_001, "acme", FOR_ORGANIZATIONS);
    const runnerGroups = [
      { id: 1, name: "Default", repositories: [] },
      { id: 17, name: "Release builds", repositories: ["acme/widgets"] },
    ];
    const github = await startGitHub({ github: { apps: [app.option], runnerGroups } });
    house = await openHouseAt(github, {
      connections: { main: app.plan },
      pools: [{ runnerGroup: "release builds" }],
    });
    await house.start();
    const [runner] = await untilRan(queue("acme/widgets"));
    expect(runner).toMatchObject({ scope: { kind: "organization", organization: "acme" }, groupId: 17 });
    await untilEmptyAndWell();
    expect(Object.keys(github.usage()).sort()).toEqual(["app 101", "installation 1001"]);
  });

  it("two Apps: each serves its own organization, and is asked about no other", async () => {
    const north = makeApp(101, 1_001, "north", FOR_ORGANIZATIONS);
    const south = makeApp(202, 2_002, "south", FOR_ORGANIZATIONS);
    const github = await startGitHub({
      repositories: ["north/ships", "south/rails"],
      github: { apps: [north.option, south.option] },
    });
    house = await openHouseAt(github, {
      connections: { north: north.plan, south: south.plan },
      pools: [
        { name: "north", github: "north", scope: { organization: "north" } },
        { name: "south", github: "south", scope: { organization: "south" } },
      ],
    });
    await house.start();
    const ids = [queue("north/ships"), queue("south/rails")];
    const runners = await untilRan(...ids);
    expect(runners.map(({ scope }) => scope)).toEqual([
      { kind: "organization", organization: "north" },
      { kind: "organization", organization: "south" },
    ]);
    await untilEmptyAndWell();
    // Both webhooks have the same address: their secrets alone told whose event it was.
    const { jobs } = await house.get<JobsAnswer>("/api/v1/jobs");
    const known = new Map(jobs.map(({ id, connection, pool }) => [id, `${connection} ${pool}`]));
    expect(ids.map((id) => known.get(id))).toEqual(["north north", "south south"]);
    const usage = github.usage();
    expect(Object.keys(usage).sort()).toEqual(["app 101", "app 202", "installation 1001", "installation 2002"]);
    for (const app of ["app 101", "app 202"])
      expect(usage[app]?.byOperation).toMatchObject({ "get-installation": 1, "create-installation-token": 1 });
    for (const installation of ["installation 1001", "installation 2002"])
      expect(usage[installation]?.byOperation).toMatchObject({ "generate-jitconfig": 1 });
  });

  it("an enterprise: jobs of two of its organizations, each registered in the enterprise and in its group", async () => {
    const token = { token: "ghp_enterprise", login: "admin", scopes: ["manage_runners:enterprise", "repo"] };
    const organizations = ["acme", "umbrella"];
    const runnerGroups = [
      { id: 1, name: "Default", organizations: [] },
      { id: 23, name: "Everybody", organizations: "all" as const },
    ];
    const github = await startGitHub({
      repositories: ["acme/widgets", "umbrella/labs"],
      tokens: [token],
      github: { enterprises: [{ slug: "acme-group", organizations, runnerGroups }] },
    });
    const hooks = organizations.map((organization) => ({ kind: "organization", organization }) as const);
    house = await openHouseAt(github, {
      connections: { main: { hooks } },
      pools: [{ scope: { enterprise: "acme-group" }, runnerGroup: "Everybody" }],
    });
    await house.start();
    const runners = await untilRan(queue("acme/widgets"), queue("umbrella/labs"));
    const there = { scope: { kind: "enterprise", enterprise: "acme-group" }, groupId: 23 };
    expect(runners).toMatchObject([there, there]);
    await untilEmptyAndWell();
    expect(Object.keys(github.usage())).toEqual(["token admin"]);
  });

  it("one repository: a job of its neighbour is nobody's", async () => {
    const github = await startGitHub({
      repositories: ["acme/widgets", "acme/gadgets"],
      tokens: [{ token: "ghp_repository", login: "maintainer", scopes: ["repo", "admin:org_hook"] }],
    });
    house = await openHouseAt(github, {
      connections: { main: { hooks: [{ kind: "organization", organization: "acme" }] } },
      pools: [{ scope: { repositories: ["acme/widgets"] } }],
    });
    await house.start();
    const foreign = queue("acme/gadgets");
    const [runner] = await untilRan(queue("acme/widgets"));
    expect(runner?.scope).toEqual({ kind: "repository", fullName: "acme/widgets" });
    await untilEmptyAndWell();
    expect(github.runners("ended-too")).toHaveLength(1);
    const { jobs } = await house.get<JobsAnswer>("/api/v1/jobs");
    expect(jobs.find(({ id }) => id === foreign)).toMatchObject({ pool: null, waitingFor: { reason: "no-pool" } });
  });
});

describe("GitHub Enterprise Server", () => {
  it("REST under /api/v3, a token, all repositories of an owner: each ticket in the job's own", async () => {
    const github = await startGitHub({
      basePath: "/api/v3",
      repositories: ["acme/widgets", "acme/gadgets"],
      tokens: [{ token: "ghp_server", login: "builder", scopes: ["repo", "admin:org_hook"] }],
      // A server has no rate limit unless its administrator sets one, and then tells none with its answers.
      github: { primaryLimit: 0, pointsPerMinute: 0 },
    });
    expect(github.apiUrl).toBe(`${github.webUrl}/api/v3`);
    house = await openHouseAt(github, {
      connections: { server: { hooks: [{ kind: "organization", organization: "acme" }] } },
      pools: [{ scope: { repositories: ["acme/*"] } }],
    });
    await house.start();
    const runners = await untilRan(queue("acme/widgets"), queue("acme/gadgets"));
    expect(runners.map(({ scope }) => scope)).toEqual([
      { kind: "repository", fullName: "acme/widgets" },
      { kind: "repository", fullName: "acme/gadgets" },
    ]);
    await untilEmptyAndWell();
    expect(Object.keys(github.usage())).toEqual(["token builder"]);
  });
});

describe("ghe.com", () => {
  it("an App at a host of one's own, by that host's real name and a private authority", async () => {
    const app = makeApp(101, 1_001, "acme", FOR_ORGANIZATIONS);
    const github = await startGitHub({ github: { apps: [app.option] } });
    const door = await openTlsDoor(GHE_CERTIFICATE, Number(new URL(github.apiUrl).port));
    // The configuration takes such an address only under ghe.com: a proxy leads that name here, and none is looked up.
    const proxy = await startProxy(door.port);
    const network = { caPem: GHE_CERTIFICATE.certificatePem, proxy: { url: proxy.url } };
    house = await openHouseAt(github, {
      connections: { main: { ...app.plan, ...network, apiUrl: `https://${GHE_HOST}` } },
    });
    await house.start();
    const [runner] = await untilRan(queue("acme/widgets"));
    expect(runner?.scope).toEqual({ kind: "organization", organization: "acme" });
    await untilEmptyAndWell();
    expect(new Set(proxy.asked)).toEqual(new Set([`${GHE_HOST}:443`]));
  });
});

describe("where no webhook reaches us", () => {
  it("demand: poll finds a job that came before it started, and one that came after its first look", async () => {
    const github = await startGitHub();
    house = await openHouseAt(github, { connections: { main: { demand: "poll", hooks: [] } } });
    const before = queue("acme/widgets");
    await house.start();
    await untilRan(before);
    const after = queue("acme/widgets");
    await untilRan(after);
    await untilEmptyAndWell();
    expect(github.deliveries()).toEqual([]);
    const { connections } = await house.get<StatusAnswer>("/api/v1/status");
    expect(connections).toMatchObject([{ name: "main", demand: "poll", repositories: 1 }]);
  });
});

describe("several pools of one organization", () => {
  it("a job goes to the first that runs jobs, accepts its repository and is asked for by name", async () => {
    const github = await startGitHub({ repositories: ["acme/widgets", "acme/vault"] });
    const linux = ["self-hosted", "linux"];
    const arm = ["self-hosted", "arm64"];
    const graphics = ["self-hosted", "windows"];
    house = await openHouseAt(github, {
      pools: [
        { name: "linux-watched", mode: "observe", priority: 100, labels: linux },
        { name: "linux-after", priority: -1, labels: linux },
        { name: "linux-first", priority: 1, labels: linux },
        { name: "arm-vault", priority: 1, labels: arm, accept: { repositories: ["acme/vault"] } },
        { name: "arm-all", labels: arm },
        { name: "graphics", priority: 1, labels: [...graphics, "gpu"], requiredLabels: ["gpu"] },
        { name: "windows", labels: graphics },
        { name: "mac-watched", mode: "observe", labels: ["self-hosted", "macos"] },
      ],
    });
    await house.start();
    const watched = queue("acme/widgets", ["self-hosted", "macos"]);
    // What would take each of them comes before what has to.
    const runners = await untilRan(
      queue("acme/widgets", linux),
      queue("acme/widgets", arm),
      queue("acme/widgets", graphics),
    );
    expect(runners.map(({ labels }) => labels)).toEqual([linux, arm, graphics]);
    const { machines } = await house.get<MachinesAnswer>("/api/v1/machines?all=true");
    const poolOf = new Map(machines.map(({ ticket, pool }) => [ticket?.runnerName, pool]));
    expect(runners.map(({ name }) => poolOf.get(name))).toEqual(["linux-first", "arm-all", "windows"]);
    expect(machines).toHaveLength(3);
    await untilEmptyAndWell();
    await until(
      async () => (await waitingReason(watched)) === "would-launch",
      PATIENCE_MS,
      () => "the observing pool says what it would do",
    );
    expect(github.runners("ended-too")).toHaveLength(3);
    // The same pools by the other side of each rule.
    const accepted = [queue("acme/vault", arm), queue("acme/widgets", [...graphics, "gpu"])];
    const others = await untilRan(...accepted);
    const later = (await house.get<MachinesAnswer>("/api/v1/machines?all=true")).machines;
    const laterPoolOf = new Map(later.map(({ ticket, pool }) => [ticket?.runnerName, pool]));
    expect(others.map(({ name }) => laterPoolOf.get(name))).toEqual(["arm-vault", "graphics"]);
    await untilEmptyAndWell();
  });
});

async function waitingReason(id: number): Promise<string | null> {
  const { jobs } = await house.get<JobsAnswer>("/api/v1/jobs");
  return jobs.find((job) => job.id === id)?.waitingFor?.reason ?? null;
}
