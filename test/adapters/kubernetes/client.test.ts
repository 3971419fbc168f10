/** How the cluster is reached: by each kind of credentials, over TLS, with connections that calls share. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpMethod, RequestContext } from "@kubernetes/client-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClients } from "../../../src/adapters/kubernetes/client.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import {
  type SimulatedKubernetes,
  startSimulatedKubernetes,
} from "../../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { issueCertificate } from "../../http/issue-certificate.ts";
import { handClock, NAMESPACE } from "./stage.ts";

const CERTIFICATE = issueCertificate();
let cluster: SimulatedKubernetes;
let folder: string;

beforeEach(async () => {
  cluster = await startSimulatedKubernetes({ seed: 1, certificate: CERTIFICATE });
  folder = mkdtempSync(join(tmpdir(), "holdfast-cluster-"));
});
afterEach(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function byToken() {
  return {
    kind: "token",
    server: cluster.url,
    tokenFile: write("token", cluster.token),
    certificateFile: write("ca.pem", CERTIFICATE.certificatePem),
  } as const;
}

describe("a cluster over TLS", () => {
  it("is reached by a token and the authority that signed its certificate", async () => {
    const { core } = createClients(byToken(), handClock());
    expect((await core.listNamespacedPod({ namespace: NAMESPACE })).items).toEqual([]);
  });

  it("is not reached where another authority signed it", async () => {
    const certificateFile = write("other.pem", issueCertificate("other").certificatePem);
    const { core } = createClients({ ...byToken(), certificateFile }, handClock());
    await expect(core.listNamespacedPod({ namespace: NAMESPACE })).rejects.toThrow();
  });

  it("is reached by a kubeconfig", async () => {
    const file = write("kubeconfig", cluster.kubeconfig());
    const { core } = createClients({ kind: "kubeconfig", file, context: null }, handClock());
    expect((await core.listNamespacedPod({ namespace: NAMESPACE })).items).toEqual([]);
  });

  it("is asked through the same connections by every call, and through new ones after a while", async () => {
    const clock = handClock();
    const { access } = createClients(byToken(), clock);
    const dispatcherOf = async () => {
      const request = new RequestContext(cluster.url, HttpMethod.GET);
      await access.applySecurityAuthentication(request);
      return request.getDispatcher();
    };
    const first = await dispatcherOf();
    expect(first).toBeDefined();
    expect(await dispatcherOf()).toBe(first);
    clock.pass(10 * MINUTE_MS);
    expect(await dispatcherOf()).not.toBe(first);
  });
});

describe("credentials that cannot be used", () => {
  it.each([
    ["no such file", () => ({ kind: "kubeconfig", file: join(folder, "nowhere"), context: null }) as const],
    ["a file that is none", () => ({ kind: "kubeconfig", file: write("text", "hello"), context: null }) as const],
    [
      "a context that is not in it",
      () => ({ kind: "kubeconfig", file: write("kubeconfig", cluster.kubeconfig()), context: "other" }) as const,
    ],
    ["those of a pod, outside of one", () => ({ kind: "in-cluster" }) as const],
  ])("%s: a setting to mend", (_name, access) => {
    expect(() => createClients(access(), handClock())).toThrow(expect.objectContaining({ code: "provider-invalid" }));
  });
});
