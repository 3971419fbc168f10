/** What may stand between Holdfast and the others, with real processes and sockets: TLS, private authorities, proxies. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import type { StatusAnswer } from "../../src/http/operators/answers.ts";
import { AUTHORITY_PEM, SERVER_KEY_PEM, SERVER_PEM } from "../adapters/network/certificates.ts";
import { startProxy } from "../adapters/network/place.ts";
import { type IssuedCertificate, issueCertificate } from "../http/issue-certificate.ts";
import { openPlainDoor, openTlsDoor } from "./doors.ts";
import { findFreePorts, type House, openHouseAt, startGitHub } from "./house.ts";
import { type FrontPlan, LABELS } from "./settings.ts";

const PATIENCE_MS = 60_000;

let house: House;
afterEach(() => house.close());

/** Runs a job in each repository to its end, until nothing is left and nothing is wrong. */
async function runJobs(...repositories: readonly string[]): Promise<void> {
  const ids = repositories.map((repository) =>
    house.github.queueJob({ repository, labels: LABELS, steps: ["echo ran"] }),
  );
  expect(await house.untilCompleted(ids, PATIENCE_MS)).toEqual(ids.map(() => "success"));
  await house.untilEmpty(PATIENCE_MS);
  const { connections, health } = await house.get<StatusAnswer>("/api/v1/status");
  expect([...connections.flatMap(({ troubles }) => troubles), ...health.problems]).toEqual([]);
}

/** This process is GitHub and the operator: both check certificates, and know this one more authority. */
function trust({ certificatePem }: IssuedCertificate): void {
  const usual = getCACertificates("default");
  setDefaultCACertificates([...usual, certificatePem]);
  onTestFinished(() => setDefaultCACertificates(usual));
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

describe("the way to GitHub", () => {
  it("to a server whose certificate a private authority signed", async () => {
    const github = await startGitHub({ basePath: "/api/v3" });
    const certificate = issueCertificate();
    const door = await openTlsDoor(certificate, portOf(github.apiUrl));
    house = await openHouseAt(github, {
      connections: {
        main: { apiUrl: `https://127.0.0.1:${door.port}/api/v3`, caPem: certificate.certificatePem },
      },
    });
    await house.start();
    await runJobs("acme/widgets");
    expect(door.connectionCount()).toBeGreaterThan(0);
  });

  it("through a proxy, but for the exceptions", async () => {
    const github = await startGitHub({
      basePath: "/api/v3",
      repositories: ["acme/widgets", "inside/tools"],
      tokens: ["ghp_outside", "ghp_inside"],
    });
    const door = await openTlsDoor({ certificatePem: SERVER_PEM, keyPem: SERVER_KEY_PEM }, portOf(github.apiUrl));
    const proxy = await startProxy(door.port);
    const way = { caPem: AUTHORITY_PEM, proxy: { url: proxy.url, except: ["inside.test", "127.0.0.1"] } };
    house = await openHouseAt(github, {
      connections: {
        // No name server knows it: whatever reaches it went through the proxy.
        outside: {
          ...way,
          apiUrl: "https://github.test/api/v3",
          token: "ghp_outside",
          hooks: [{ kind: "organization", organization: "acme" }],
        },
        inside: { ...way, token: "ghp_inside", hooks: [{ kind: "organization", organization: "inside" }] },
      },
      pools: [
        { name: "outside", github: "outside" },
        { name: "inside", github: "inside", scope: { organization: "inside" } },
      ],
    });
    await house.start();
    await runJobs("acme/widgets", "inside/tools");
    expect(new Set(proxy.asked)).toEqual(new Set(["github.test:443"]));
    const usage = github.usage();
    for (const login of ["octocat", "octocat-2"])
      expect(usage[`token ${login}`]?.byOperation).toMatchObject({ "generate-jitconfig": 1 });
  });
});

interface Ports {
  readonly webhooks: number;
  readonly agents: number;
  readonly operators: number;
}

async function findPorts(): Promise<Ports> {
  const [webhooks = 0, agents = 0, operators = 0] = await findFreePorts(3);
  return { webhooks, agents, operators };
}

/** Each side on a port of its own. @param listen further keys of that block. */
function threeAddresses(ports: Ports, urls: Readonly<Record<keyof Ports, string>>, listen: object): FrontPlan {
  const own = Object.entries(ports).map(([side, port]) => [side, `127.0.0.1:${port}`]);
  const [operatorsUrl, webhooksUrl] = [urls.operators, urls.webhooks];
  return { listen: { ...Object.fromEntries(own), ...listen }, urls, operatorsUrl, webhooksUrl, files: {} };
}

describe("the way to Holdfast", () => {
  it("TLS of its own on three addresses, each of which has its own paths and no other's", async () => {
    const certificate = issueCertificate();
    trust(certificate);
    const ports = await findPorts();
    // Agents trust the computer's authorities, and the computer does not know this one: they come by a door of their own.
    const door = await openPlainDoor(certificate, ports.agents);
    const urls = {
      webhooks: `https://127.0.0.1:${ports.webhooks}`,
      agents: `http://127.0.0.1:${door.port}`,
      operators: `https://127.0.0.1:${ports.operators}`,
    };
    const front = threeAddresses(ports, urls, { tls: { certificateFile: "./front.pem", keyFile: "./front.key" } });
    const files = { "front.pem": certificate.certificatePem, "front.key": certificate.keyPem };
    house = await openHouseAt(await startGitHub(), { front: { ...front, files } });
    await house.start();
    await runJobs("acme/widgets");
    const ofJobs = house.github.deliveries().filter(({ event }) => event === "workflow_job");
    expect(ofJobs.map(({ status }) => status)).not.toContain("failed");
    const statusOf = async (url: string) => (await fetch(url)).status;
    expect(await statusOf(`${urls.operators}/api/v1/status`)).toBe(200);
    for (const url of [
      `${urls.webhooks}/api/v1/status`,
      `${urls.agents}/api/v1/status`,
      `${urls.agents}/webhooks/github`,
    ])
      expect([url, await statusOf(url)]).toEqual([url, 404]);
    await expect(statusOf(`http://127.0.0.1:${ports.operators}/readyz`)).rejects.toThrow();
  });

  it("behind a load balancer that speaks TLS, and is believed whom it calls for", async () => {
    const certificate = issueCertificate();
    trust(certificate);
    const ports = await findPorts();
    const webhooks = await openTlsDoor(certificate, ports.webhooks);
    const operators = await openTlsDoor(certificate, ports.operators);
    const urls = {
      webhooks: `https://localhost:${webhooks.port}`,
      agents: `http://127.0.0.1:${ports.agents}`,
      operators: `https://localhost:${operators.port}`,
    };
    const front = threeAddresses(ports, urls, { trustedProxies: ["127.0.0.1"] });
    house = await openHouseAt(await startGitHub(), { front });
    await house.start();
    await runJobs("acme/widgets");
    expect(webhooks.connectionCount()).toBeGreaterThan(0);
    const refused = await fetch(`${urls.webhooks}/webhooks/github`, {
      method: "POST",
      headers: {
        "x-github-event": "workflow_job",
        "x-github-delivery": randomUUID(),
        // The load balancer adds whom it was called by at the right end; what stands left of it is a stranger's word.
        "x-forwarded-for": "198.51.100.1, 203.0.113.9",
      },
      body: "{}",
    });
    expect(refused.status).toBe(401);
    const log = readFileSync(join(house.directory, "server.log"), "utf8");
    const noted = log.split("\n").find((line) => line.includes("a call was refused"));
    expect(noted).toContain("203.0.113.9");
    expect(noted).not.toContain("198.51.100.1");
  });
});
