/** For each test of the contract a namespace of its own, and the calls that the tests make. */
import {
  ApiException,
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  PolicyV1Api,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  type V1Pod,
  type V1PodSpec,
  type V1PodStatus,
  Watch,
} from "@kubernetes/client-node";
import type { ContractCluster } from "./clusters.ts";

const MERGE = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const WATCH_MS_MAX = 10_000;
export const NODE = "contract-node";

/** What a refusal says, apart from its words. */
export interface Refusal {
  readonly code: number;
  readonly reason?: string;
  readonly message: string;
  readonly details?: { readonly name?: string; readonly kind?: string; readonly causes?: readonly object[] };
}

/** @throws where the call is not refused. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiException) {
      // The client reads no body of a 401.
      if (error.body === undefined) return { code: error.code, message: error.message };
      const status = JSON.parse(String(error.body)) as Refusal & { readonly kind: string };
      if (status.kind !== "Status" || status.code !== error.code) throw error;
      return status;
    }
    throw error;
  }
  throw new Error("the call was not refused");
}

export interface WatchedEvent {
  readonly type: string;
  readonly name: string | undefined;
  readonly object: {
    readonly code?: number;
    readonly reason?: string;
    readonly metadata?: { readonly resourceVersion?: string };
  };
}

let namespaceCount = 0;

export class Stage {
  readonly cluster: ContractCluster;
  readonly namespace: string;
  readonly core: CoreV1Api;

  constructor(cluster: ContractCluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.core = cluster.config.makeApiClient(CoreV1Api);
  }

  get policy(): PolicyV1Api {
    return this.cluster.config.makeApiClient(PolicyV1Api);
  }

  get rbac(): RbacAuthorizationV1Api {
    return this.cluster.config.makeApiClient(RbacAuthorizationV1Api);
  }

  get authentication(): AuthenticationV1Api {
    return this.cluster.config.makeApiClient(AuthenticationV1Api);
  }

  as(token: string): { readonly core: CoreV1Api; readonly authorization: AuthorizationV1Api } {
    const config = this.cluster.configWith(token);
    return { core: config.makeApiClient(CoreV1Api), authorization: config.makeApiClient(AuthorizationV1Api) };
  }

  body(name: string, spec: Partial<V1PodSpec> = {}, labels: Readonly<Record<string, string>> = {}): V1Pod {
    const containers = [{ name: "runner", image: "runner:2.336.0" }];
    return { metadata: { name, labels }, spec: { restartPolicy: "Never", containers, ...spec } };
  }

  make(name: string, spec: Partial<V1PodSpec> = {}, labels: Readonly<Record<string, string>> = {}): Promise<V1Pod> {
    return this.core.createNamespacedPod({ namespace: this.namespace, body: this.body(name, spec, labels) });
  }

  read(name: string): Promise<V1Pod> {
    return this.core.readNamespacedPod({ name, namespace: this.namespace });
  }

  patch(name: string, body: object): Promise<V1Pod> {
    return this.core.patchNamespacedPod({ name, namespace: this.namespace, body }, MERGE);
  }

  /** As a kubelet writes it. */
  writeStatus(name: string, status: V1PodStatus | object): Promise<V1Pod> {
    return this.core.patchNamespacedPodStatus({ name, namespace: this.namespace, body: { status } }, MERGE);
  }

  /** As the controller of quotas writes it. */
  writeQuotaStatus(name: string, status: object): Promise<unknown> {
    return this.core.patchNamespacedResourceQuotaStatus({ name, namespace: this.namespace, body: { status } }, MERGE);
  }

  delete(name: string, options: object = {}): Promise<V1Pod> {
    return this.core.deleteNamespacedPod({ name, namespace: this.namespace, ...options });
  }

  /** What the watch is told, until there is enough of it or it ends. */
  watch(
    query: Readonly<Record<string, string | number | boolean>>,
    isEnough: (events: readonly WatchedEvent[]) => boolean,
    resource = "pods",
    config: KubeConfig = this.cluster.config,
  ): Promise<readonly WatchedEvent[]> {
    return watchUntil(config, `/api/v1/namespaces/${this.namespace}/${resource}`, query, isEnough);
  }
}

async function watchUntil(
  config: KubeConfig,
  path: string,
  query: Readonly<Record<string, string | number | boolean>>,
  isEnough: (events: readonly WatchedEvent[]) => boolean,
): Promise<readonly WatchedEvent[]> {
  const events: WatchedEvent[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`watching: only ${JSON.stringify(events)}`)), WATCH_MS_MAX);
  const controller = await new Watch(config).watch(
    path,
    query,
    (type, object) => {
      events.push({ type, name: object.metadata?.name, object });
      if (isEnough(events)) resolve();
    },
    (error) => (error === null || error?.name === "AbortError" ? resolve() : reject(error)),
  );
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
  return events;
}

/** Nothing makes the account that pods have in a cluster without controllers. */
export async function openStage(cluster: ContractCluster): Promise<Stage> {
  namespaceCount += 1;
  const stage = new Stage(cluster, `contract-${namespaceCount}`);
  const { namespace } = stage;
  await stage.core.createNamespace({ body: { metadata: { name: namespace } } });
  await stage.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "default" } } });
  return stage;
}
