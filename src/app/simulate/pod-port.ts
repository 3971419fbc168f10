/**
 * The adapter for Kubernetes over a simulated cluster: its own code, with calls of the model where the official client's
 * methods are. Loaded only for worlds of pods.
 */
import { ApiException } from "@kubernetes/client-node";
import type { KubernetesClients } from "../../adapters/kubernetes/client.ts";
import { createKubernetesProvider } from "../../adapters/kubernetes/provider.ts";
import type { KubernetesSettings } from "../../adapters/kubernetes/settings.ts";
import { createTokenReview } from "../../adapters/kubernetes/token-review.ts";
import type { KubernetesResult } from "../../simulator/kubernetes/call.ts";
import type { KubernetesRequest } from "../../simulator/kubernetes/requests.ts";
import { CLUSTER } from "../../simulator/provider/kubernetes-settings.ts";
import type { CallCluster, MakePodPort, WatchCluster } from "../../simulator/provider/pod-port.ts";

const SETTINGS: KubernetesSettings = {
  access: { kind: "in-cluster" },
  namespace: CLUSTER.namespace,
  image: CLUSTER.image,
  resources: { requests: CLUSTER.requests, limits: {} },
  nodeSelector: {},
  tolerations: [],
  serviceAccount: null,
  longestJobSeconds: CLUSTER.longestJobSeconds,
  template: {},
};
/** Nobody fetches it: what runs in a simulated pod is a simulated host. */
const BUNDLE = { url: "https://holdfast.world/bundle", sha256: "0".repeat(64), entry: "main.js" };

export const makePodPort: MakePodPort = ({ controllerId, pool, clock, random, call, watch }) => {
  const clients = clientsOver(call, watch);
  const provider = createKubernetesProvider(
    {
      controllerId,
      pool,
      settings: SETTINGS,
      runnerDirectory: "/home/runner",
      runnerEnvironment: {},
      bundle: BUNDLE,
      controllerUrl: "https://holdfast.world",
      isObserving: false,
      clock,
      random,
    },
    clients,
  );
  return { ...provider, reviewPodToken: createTokenReview(clients) };
};

/** What the client's methods take: where, what, and the options of the query by their own names but for `_continue`. */
interface CallParameters {
  readonly namespace?: string;
  readonly name?: string;
  readonly body?: unknown;
  readonly _continue?: string;
  readonly [option: string]: unknown;
}

type Target = Pick<KubernetesRequest, "verb" | "resource" | "subresource">;

function clientsOver(call: CallCluster, open: WatchCluster): KubernetesClients {
  const method = (target: Target) => (parameters: CallParameters) => ask(call, target, parameters);
  const clients = {
    core: {
      createNamespacedPod: method({ verb: "create", resource: "pods" }),
      deleteNamespacedPod: method({ verb: "delete", resource: "pods" }),
      listNamespacedPod: method({ verb: "list", resource: "pods" }),
      listNode: method({ verb: "list", resource: "nodes" }),
      patchNamespacedPod: (parameters: CallParameters) =>
        ask(call, { verb: "patch", resource: "pods" }, parameters, "application/merge-patch+json"),
      readNamespacedPod: method({ verb: "get", resource: "pods" }),
      readNamespacedPodLog: method({ verb: "get", resource: "pods", subresource: "log" }),
    },
    policy: {
      createNamespacedPodDisruptionBudget: method({ verb: "create", resource: "poddisruptionbudgets" }),
      deleteNamespacedPodDisruptionBudget: method({ verb: "delete", resource: "poddisruptionbudgets" }),
    },
    authorization: {
      createSelfSubjectAccessReview: method({ verb: "create", resource: "selfsubjectaccessreviews" }),
    },
    authentication: { createTokenReview: method({ verb: "create", resource: "tokenreviews" }) },
    watch: (...request: WatchParameters) => watchOver(open, ...request),
  };
  // The model answers in the API's own JSON. The client would make dates of its times, which the adapter does not read.
  return clients as unknown as KubernetesClients;
}

async function ask(
  call: CallCluster,
  target: Target,
  { namespace, name, body, ...given }: CallParameters,
  contentType?: string,
): Promise<unknown> {
  return read(await call({ ...target, namespace, name, body, contentType, options: optionsOf(given) }));
}

type WatchParameters = Parameters<KubernetesClients["watch"]>;

/** The client tells of an event by its kind and its object, and of the end with or without an error. */
async function watchOver(open: WatchCluster, ...[path, query, onEvent, onDone]: WatchParameters) {
  const namespace = /^\/api\/v1\/namespaces\/([^/]+)\/pods$/.exec(path)?.[1];
  const request = { verb: "watch", resource: "pods", namespace, options: optionsOf(query) } as const;
  const breakOff = await open(
    request,
    ({ type, object }) => onEvent(type, object, object),
    () => onDone(null),
  );
  const controller = new AbortController();
  controller.signal.addEventListener("abort", () => breakOff(), { once: true });
  return controller;
}

function optionsOf(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const told = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told.map(([option, value]) => [option.replace(/^_/, ""), String(value)]));
}

function read(result: KubernetesResult): unknown {
  switch (result.kind) {
    case "answered":
      return result.body;
    case "log":
      return result.text;
    case "refused":
      throw new ApiException(result.status, result.body.message ?? "", JSON.stringify(result.body), {});
    case "watching":
      throw new Error("nothing here asks for a watch");
  }
}
