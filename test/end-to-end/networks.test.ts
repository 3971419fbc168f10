/** What may stand between Holdfast and the others, with real processes and sockets: TLS, private authorities, proxies. */
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import type { StatusAnswer } from "../../src/http/operators/answers.ts";
import { AUTHORITY_PEM, SERVER_KEY_PEM, SERVER_PEM } from "../adapters/network/certificates.ts";
import { startProxy } from "../adapters/network/place.ts";
import { type IssuedCertificate, issueCertificate } from "../http/issue-certificate.ts";
import { openPlainDoor, openTlsDoor } from "./doors.ts";
import { findFreePort, type House, openHouseAt, startGitHub } from "./house.ts";
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

/** Each side on a port of its own. @param agentsUrl what the machines are given. */
function threeAddresses(
  ports: { readonly webhooks: number; readonly agents: number; readonly operators: number },
  agentsUrl: string,
  tls: IssuedCertificate | null,
): FrontPlan {
  const at = (port: number) => `127.0.0.1:${port}`;
  const [webhooksUrl, operatorsUrl] = [ports.webhooks, ports.operators].map(
    (port) => `${tls === null ? "http" : "https"}://${at(port)}`,
  ) as [string, string];
  const listen = { webhooks: at(ports.webhooks), agents: at(ports.agents), operators: at(ports.operators) };
  const files = tls === null ? {} : { "front.pem": tls.certificatePem, "front.key": tls.keyPem };
  const keys = tls === null ? {} : { tls: { certificateFile: "./front.pem", keyFile: "./front.key" } };
  return {
    listen: { ...listen, ...keys },
    urls: { webhooks: webhooksUrl, agents: agentsUrl, operators: operatorsUrl },
    operatorsUrl,
    webhooksUrl,
    files,
  };
}
