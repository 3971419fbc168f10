// The adapter against the simulated GitHub over real HTTP, and its requests against GitHub's own description.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import type { RunnerId } from "../../../src/domain/ids.ts";
import { parseJobId } from "../../../src/domain/ids.ts";
import { issuePermit, type RegistrationPermit } from "../../../src/domain/permit.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../../src/simulator/server/simulated-github.ts";
import { checkAnswer, checkRequest, restContract } from "../../contracts/github/contract.ts";
import { epoch, heard, START_MS, ticket } from "../../domain/builders.ts";
import { connect, runnerJson, startStandIn } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const WIDGETS = { kind: "repository", owner: "acme", repository: "widgets" } as const;
const MINT = { scope: ACME, runnerName: "holdfast-t1", labels: ["self-hosted", "linux"], runnerGroup: "Default" };

const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

async function start(appPublicKey?: string): Promise<SimulatedGitHub> {
  const options = { repositories: ["acme/widgets"], seed: 1 };
  const simulated = await startSimulatedGitHub(appPublicKey === undefined ? options : { ...options, appPublicKey });
  onTestFinished(() => simulated.close());
  return simulated;
}

function connectTo(simulated: SimulatedGitHub) {
  return connect(simulated.apiUrl, { auth: { kind: "token", token: simulated.token } });
}

function permit(runnerId: RunnerId): RegistrationPermit {
  const over = ticket({ state: "spent", runnerId });
  const decision = issuePermit({ kind: "delete-registration", ticket: over, epoch: epoch(), time: heard() });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

describe("with the simulated GitHub", () => {
  it.each([
    ["an organization", ACME],
    ["a repository", WIDGETS],
  ])("a registration in %s: minted, found, listed", async (_name, scope) => {
    const { github } = connectTo(await start());
    const minted = await github.mintTicket({ ...MINT, scope });
    const settings = JSON.parse(Buffer.from(minted.jitConfig, "base64").toString())[".runner"];
    expect(JSON.parse(Buffer.from(settings, "base64").toString())).toMatchObject({
      AgentId: minted.runnerId,
      AgentName: "holdfast-t1",
      DisableUpdate: true,
    });
    const value = { id: minted.runnerId, name: "holdfast-t1", isOnline: false, isBusy: false, version: null };
    await expect(github.findRunner(scope, "holdfast-t1")).resolves.toMatchObject({ kind: "present", value });
    await expect(github.findRunner(scope, "holdfast-t2")).resolves.toMatchObject({ kind: "absent" });
    await expect(github.listRunners(scope)).resolves.toEqual([value]);
  });

  it("a registration is deleted once, and absent after", async () => {
    const { github } = connectTo(await start());
    const { runnerId } = await github.mintTicket(MINT);
    await expect(github.deleteRunner(permit(runnerId))).resolves.toBe("deleted");
    await expect(github.deleteRunner(permit(runnerId))).resolves.toBe("absent");
    await expect(github.findRunner(ACME, "holdfast-t1")).resolves.toMatchObject({ kind: "absent" });
  });

  it("250 registrations are listed whole", async () => {
    const simulated = await start();
    for (let number = 0; number < 250; number += 1) {
      const scope = { kind: "organization", organization: "acme" } as const;
      simulated.registerRunner({
        scope,
        name: `r${number}`,
        groupId: 1,
        labels: [],
        workFolder: "_work",
        isEphemeral: true,
      });
    }
    await expect(connectTo(simulated).github.listRunners(ACME)).resolves.toHaveLength(250);
  });

  it("an answer lost after its effect: the name is taken then, and tells whose it is", async () => {
    const simulated = await start();
    simulated.faults.inject("generate-jitconfig", { kind: "answer-lost", effect: "done" });
    const { github } = connectTo(simulated);
    await expect(github.mintTicket(MINT)).rejects.toMatchObject({ code: "github-unavailable" });
    await expect(github.mintTicket(MINT)).rejects.toMatchObject({ code: "github-name-taken" });
    const found = await github.findRunner(ACME, MINT.runnerName);
    expect(found).toMatchObject({ kind: "present", value: { isOnline: false, version: null } });
  });

  it("a deletion whose answer is lost is repeated", async () => {
    const simulated = await start();
    const { github } = connectTo(simulated);
    const { runnerId } = await github.mintTicket(MINT);
    simulated.faults.inject("delete-runner", { kind: "answer-lost", effect: "done" });
    await expect(github.deleteRunner(permit(runnerId))).rejects.toMatchObject({ code: "github-unavailable" });
    await expect(github.deleteRunner(permit(runnerId))).resolves.toBe("absent");
  });

  it("a job is read; one that there is not is absent; an outage is unknown", async () => {
    const simulated = await start();
    const id = parseJobId(simulated.queueJob({ repository: "acme/widgets", labels: ["linux"], steps: [] }));
    const { github } = connectTo(simulated);
    await expect(github.getJob("acme/widgets", id)).resolves.toMatchObject({
      kind: "present",
      value: { id, connection: "main", repository: "acme/widgets", status: "queued", queuedSeenAtMs: START_MS },
    });
    await expect(github.getJob("acme/widgets", parseJobId(1))).resolves.toMatchObject({ kind: "absent" });
    await simulated.goOffline();
    await expect(github.getJob("acme/widgets", id)).resolves.toMatchObject({
      kind: "unknown",
      code: "github-unavailable",
    });
  });

  it("signs in as an App, whose signature is checked", async () => {
    const simulated = await start(keys.publicKey);
    const auth = { kind: "app", appId: simulated.appId, privateKeyPem: keys.privateKey } as const;
    const { github, telemetry } = connect(simulated.apiUrl, { auth });
    await expect(github.mintTicket(MINT)).resolves.toMatchObject({ runnerId: expect.any(Number) });
    // The test's clock is far behind, and its first signature refused: the second is made by GitHub's time.
    expect(telemetry.counts).toEqual([
      "get-installation 401",
      "get-installation 200",
      "create-installation-token 201",
      "list-runner-groups 200",
      "generate-jitconfig 201",
    ]);
  });
});

describe("by GitHub's own description", () => {
  it("what we ask is right", async () => {
    const body = { total_count: 1, runners: [runnerJson(1)] };
    const standIn = await startStandIn(({ method }) => (method === "GET" ? { status: 200, body } : { status: 500 }));
    const { github } = connect(standIn.apiUrl);
    await github.mintTicket(MINT).catch(() => null);
    await github.findRunner(ACME, "runner-1");
    const [mint, find] = standIn.asked;
    const path = "/orgs/{org}/actions/runners";
    expect(checkRequest(`POST ${path}/generate-jitconfig`, mint?.body)).toEqual([]);
    expect(checkRequest(`GET ${path}`, find?.body, find?.query)).toEqual([]);
    expect(checkAnswer(`GET ${path}`, 200, body)).toEqual([]);
  });

  it("its examples are read", async () => {
    const { calls } = restContract;
    const jitConfig = calls["POST /orgs/{org}/actions/runners/generate-jitconfig"]?.examples["201"];
    const runners = calls["GET /orgs/{org}/actions/runners"]?.examples["200"];
    const standIn = await startStandIn(({ method }) =>
      method === "POST" ? { status: 201, body: jitConfig } : { status: 200, body: runners },
    );
    const { github, telemetry } = connect(standIn.apiUrl);
    const minted = await github.mintTicket(MINT);
    expect(minted).toMatchObject({ runnerId: 23, jitConfig: expect.stringMatching(/.+/) });
    // The example's configuration is cut short: it is passed on as it is, and said so.
    expect(telemetry.lines).toEqual([expect.stringContaining("shape that we do not know")]);
    await expect(github.listRunners(ACME)).resolves.toHaveLength(2);
  });
});
