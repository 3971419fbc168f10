/** An API server of Kubernetes with an etcd behind it, each a process of its own, both on loopback. No node belongs to it. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { vi } from "vitest";
import { issueCertificate } from "../../http/issue-certificate.ts";
import { type ContractCluster, kubeconfigText } from "./clusters.ts";
import { KUBE_APISERVER } from "./kube-apiserver-place.ts";

const READY_MS_MAX = 60_000;
const START_COUNT_MAX = 3;
const ISSUER = "https://kubernetes.default.svc";

export interface Programs {
  readonly etcd: string;
  readonly apiServer: string;
}

export type FoundPrograms =
  | { readonly kind: "found"; readonly programs: Programs }
  | { readonly kind: "missing"; readonly why: string };

export function findOnPath(program: string): string | null {
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  return places.find((path) => existsSync(path)) ?? null;
}

export function findPrograms(): FoundPrograms {
  const etcd = findOnPath("etcd");
  if (etcd === null)
    return { kind: "missing", why: "etcd is not installed here (Debian: etcd-server); with it this suite runs" };
  if (!existsSync(KUBE_APISERVER))
    return {
      kind: "missing",
      why: "there is no kube-apiserver here: `npm run kube-apiserver` builds one, and this suite then runs",
    };
  return { kind: "found", programs: { etcd, apiServer: KUBE_APISERVER } };
}

/** Ports are free when they are looked for and may be taken a moment later: another try then finds others. */
export async function openRealCluster(programs: Programs): Promise<ContractCluster> {
  for (let count = 1; ; count += 1) {
    try {
      return await startCluster(programs);
    } catch (error) {
      if (count === START_COUNT_MAX) throw error;
    }
  }
}

async function startCluster({ etcd, apiServer }: Programs): Promise<ContractCluster> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-kubernetes-"));
  const [etcdUrl, peerUrl] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
  const port = await freePort();
  const [certificate, token] = [issueCertificate("kubernetes"), randomUUID()];
  await writeFiles(directory, { certificate, token });
  const processes: StartedProcess[] = [];
  const start = (program: string, parameters: readonly string[]) => {
    processes.push(startProcess(directory, program, parameters));
  };
  start(etcd, etcdParameters(String(etcdUrl), String(peerUrl)));
  start(apiServer, apiServerParameters(String(etcdUrl), port));
  const close = async () => {
    await Promise.all(processes.map(endProcess));
    await rm(directory, { recursive: true, force: true });
  };
  const configWith = (bearer: string): KubeConfig => {
    const config = new KubeConfig();
    const access = { server: `https://127.0.0.1:${port}`, certificatePem: certificate.certificatePem };
    config.loadFromString(kubeconfigText(access, bearer));
    return config;
  };
  const config = configWith(token);
  try {
    await untilReady(config, processes);
  } catch (error) {
    await close();
    throw error;
  }
  return { config, configWith, forgetHistory: () => compactAll(config, String(etcdUrl)), close };
}

interface StartedProcess {
  readonly child: ChildProcess;
  /** The end of what it printed. */
  printed(): string;
}

const PRINTED_LENGTH_MAX = 2_000;

function startProcess(directory: string, program: string, parameters: readonly string[]): StartedProcess {
  const child = spawn(program, parameters, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr.on("data", (chunk: Buffer) => {
    printed = (printed + chunk.toString("utf8")).slice(-PRINTED_LENGTH_MAX);
  });
  return { child, printed: () => printed };
}

/** Its own namespaces are there, and roles can be told apart. */
async function untilReady(config: KubeConfig, processes: readonly StartedProcess[]): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  const findEnded = () => processes.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
  const look = async () => {
    if (findEnded() === undefined) await core.readNamespace({ name: "default" });
  };
  await vi.waitFor(look, { timeout: READY_MS_MAX, interval: 250 });
  const ended = findEnded();
  if (ended !== undefined) throw new Error(`${ended.child.spawnfile} ended before it was ready: ${ended.printed()}`);
}

interface Secrets {
  readonly certificate: { readonly certificatePem: string; readonly keyPem: string };
  readonly token: string;
}

async function writeFiles(directory: string, { certificate, token }: Secrets): Promise<void> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const files = {
    "serving.crt": certificate.certificatePem,
    "serving.key": certificate.keyPem,
    "accounts.key": privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    "tokens.csv": `${token},admin,admin,"system:masters"\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 });
}

function etcdParameters(clientUrl: string, peerUrl: string): readonly string[] {
  return [
    "--data-dir=etcd",
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
  ];
}

function apiServerParameters(etcdUrl: string, port: number): readonly string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    "--bind-address=127.0.0.1",
    // It must name one that is not loopback, and nobody is to find it there (RFC 5737).
    "--advertise-address=192.0.2.1",
    "--endpoint-reconciler-type=none",
    `--secure-port=${port}`,
    "--tls-cert-file=serving.crt",
    "--tls-private-key-file=serving.key",
    `--service-account-issuer=${ISSUER}`,
    "--service-account-key-file=accounts.key",
    "--service-account-signing-key-file=accounts.key",
    "--token-auth-file=tokens.csv",
    "--authorization-mode=RBAC",
    // As clusters have it; what a namespace then allows is its own affair.
    "--allow-privileged",
    "--service-cluster-ip-range=10.0.0.0/24",
    // These go straight to etcd, so that what was compacted there is gone here too.
    "--watch-cache-sizes=resourcequotas#0",
  ];
}

/** etcd's own words for it, over the gateway that it has for callers without gRPC. */
async function compactAll(config: KubeConfig, etcdUrl: string): Promise<void> {
  const { metadata } = await config.makeApiClient(CoreV1Api).listNamespace();
  const body = JSON.stringify({ revision: metadata?.resourceVersion, physical: true });
  const answer = await fetch(`${etcdUrl}/v3/kv/compaction`, { method: "POST", body });
  if (!answer.ok) throw new Error(`compacting etcd: ${answer.status} ${await answer.text()}`);
}

async function endProcess({ child }: StartedProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
