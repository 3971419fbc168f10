/** For each test of the file a simulated cluster behind real HTTP, and the official client that calls it. */
import { AuthorizationV1Api, CoreV1Api, KubeConfig, PolicyV1Api, type V1Pod } from "@kubernetes/client-node";
import { afterEach, beforeEach } from "vitest";
import {
  type SimulatedKubernetes,
  type SimulatedKubernetesOptions,
  startSimulatedKubernetes,
} from "../../../src/simulator/server/kubernetes/simulated-kubernetes.ts";

export const NAMESPACE = "runners";

export interface KubernetesHouse {
  readonly cluster: SimulatedKubernetes;
  /** The administrator's. */
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly policy: PolicyV1Api;
  readonly authorization: AuthorizationV1Api;
  /** Another caller's. */
  configWith(token: string): KubeConfig;
}

function configOf(cluster: SimulatedKubernetes, token?: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig(token));
  return config;
}

/** A cluster in which nothing happens by itself, unless told otherwise. */
export function useKubernetes(options: SimulatedKubernetesOptions = {}): KubernetesHouse {
  let cluster: SimulatedKubernetes;
  let config: KubeConfig;
  beforeEach(async () => {
    cluster = await startSimulatedKubernetes({
      seed: 1,
      ...options,
      kubernetes: { hasKubelets: false, ...options.kubernetes },
    });
    config = configOf(cluster);
  });
  afterEach(() => cluster.close());
  return {
    get cluster() {
      return cluster;
    },
    get config() {
      return config;
    },
    get core() {
      return config.makeApiClient(CoreV1Api);
    },
    get policy() {
      return config.makeApiClient(PolicyV1Api);
    },
    get authorization() {
      return config.makeApiClient(AuthorizationV1Api);
    },
    configWith: (token) => configOf(cluster, token),
  };
}

export function podOf(name: string, labels: Readonly<Record<string, string>> = {}): V1Pod {
  return {
    metadata: { name, labels },
    spec: { restartPolicy: "Never", containers: [{ name: "runner", image: "runner:2.336.0" }] },
  };
}
