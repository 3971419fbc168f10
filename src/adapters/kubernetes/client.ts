/**
 * The official client, with two things that it leaves to its caller: every call has a time after which it counts as
 * unanswered, and calls share their connections – by itself it makes a pool of them for each call.
 */
import {
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  type Middleware,
  PolicyV1Api,
  type RequestContext,
  ServerConfiguration,
  Watch,
} from "@kubernetes/client-node";
import { ProviderError } from "../../domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ClusterAccess } from "./settings.ts";

/** Less than the least that is left of a lease when a machine's end is asked for. */
export const ANSWER_TIMEOUT_MS = 10 * SECOND_MS;
/** Certificates are read anew from their files so often. */
const CONNECTIONS_FOR_MS = 10 * MINUTE_MS;

/** The methods that are called, so that a simulated cluster can stand behind them. */
export interface KubernetesClients {
  readonly core: Pick<
    CoreV1Api,
    | "createNamespacedPod"
    | "deleteNamespacedPod"
    | "listNamespacedPod"
    | "listNode"
    | "patchNamespacedPod"
    | "readNamespacedPod"
    | "readNamespacedPodLog"
  >;
  readonly policy: Pick<PolicyV1Api, "createNamespacedPodDisruptionBudget" | "deleteNamespacedPodDisruptionBudget">;
  readonly authorization: Pick<AuthorizationV1Api, "createSelfSubjectAccessReview">;
  readonly authentication: Pick<AuthenticationV1Api, "createTokenReview">;
  /** The client's own, which has no method for it. */
  readonly watch: Watch["watch"];
}

export interface OpenClients extends KubernetesClients {
  /** What their calls are signed by, and made through. */
  readonly access: KubeConfig;
}

/** @throws {ProviderError} `provider-invalid` where the credentials cannot be read, or name no cluster. */
export function createClients(access: ClusterAccess, clock: Clock): OpenClients {
  const config = new SharingConfig(clock);
  const server = demandServer(config, access);
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [GIVE_UP],
  });
  return {
    core: new CoreV1Api(configuration),
    policy: new PolicyV1Api(configuration),
    authorization: new AuthorizationV1Api(configuration),
    authentication: new AuthenticationV1Api(configuration),
    watch: (...request) => new PatientWatch(config).watch(...request),
    access: config,
  };
}

/**
 * The same for pools that run: their credentials may be gone, with a former configuration or by mistake, while machines are
 * there, and may come back. They are read at the first call, and until they can be, at each.
 * @returns clients whose calls fail with `provider-unavailable` while the credentials cannot be read.
 */
export function createClientsLater(access: ClusterAccess, clock: Clock): KubernetesClients {
  let made: OpenClients | null = null;
  const open = async (): Promise<OpenClients> => {
    try {
      made ??= createClients(access, clock);
      return made;
    } catch (error) {
      throw asUnavailable(error);
    }
  };
  return {
    core: {
      createNamespacedPod: async (...request) => (await open()).core.createNamespacedPod(...request),
      deleteNamespacedPod: async (...request) => (await open()).core.deleteNamespacedPod(...request),
      listNamespacedPod: async (...request) => (await open()).core.listNamespacedPod(...request),
      listNode: async (...request) => (await open()).core.listNode(...request),
      patchNamespacedPod: async (...request) => (await open()).core.patchNamespacedPod(...request),
      readNamespacedPod: async (...request) => (await open()).core.readNamespacedPod(...request),
      readNamespacedPodLog: async (...request) => (await open()).core.readNamespacedPodLog(...request),
    },
    policy: {
      createNamespacedPodDisruptionBudget: async (...request) =>
        (await open()).policy.createNamespacedPodDisruptionBudget(...request),
      deleteNamespacedPodDisruptionBudget: async (...request) =>
        (await open()).policy.deleteNamespacedPodDisruptionBudget(...request),
    },
    authorization: {
      createSelfSubjectAccessReview: async (...request) =>
        (await open()).authorization.createSelfSubjectAccessReview(...request),
    },
    authentication: {
      createTokenReview: async (...request) => (await open()).authentication.createTokenReview(...request),
    },
    watch: async (...request) => (await open()).watch(...request),
  };
}

function asUnavailable(cause: unknown): unknown {
  return cause instanceof ProviderError ? new ProviderError("provider-unavailable", cause.message, { cause }) : cause;
}

/** Without a word for so long, bookmarks included, a watch's connection counts as dead. */
const SILENCE_MAX_MS = 3 * MINUTE_MS;

/** The client gives a connection up after 30 s without a word, which is less than there is between two bookmarks. */
class PatientWatch extends Watch {
  constructor(access: KubeConfig) {
    super(access);
    Object.assign(this, { requestTimeoutMs: SILENCE_MAX_MS });
  }
}

function demandServer(config: KubeConfig, access: ClusterAccess): string {
  let cause: unknown = "they name no cluster";
  try {
    load(config, access);
    const cluster = config.getCurrentCluster();
    if (cluster !== null && URL.canParse(cluster.server)) return cluster.server;
    // The client makes an address of variables that are not there.
    if (access.kind === "in-cluster") cause = "Holdfast does not run in a pod";
  } catch (error) {
    cause = error;
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  const attempted = `reading the credentials of the cluster (${access.kind}): ${why}`;
  throw new ProviderError("provider-invalid", attempted, { cause });
}

const GIVE_UP: Middleware = {
  pre: async (request) => {
    request.setSignal(AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    return request;
  },
  post: async (answer) => answer,
};

function load(config: KubeConfig, access: ClusterAccess): void {
  switch (access.kind) {
    case "in-cluster":
      config.loadFromCluster();
      return;
    case "kubeconfig":
      config.loadFromFile(access.file);
      if (access.context !== null) config.setCurrentContext(access.context);
      return;
    case "token": {
      const { server, tokenFile, certificateFile } = access;
      const cluster = {
        name: "configured",
        server,
        // The client's word for "may be plain http"; of https the certificate is verified all the same.
        skipTLSVerify: server.startsWith("http:"),
        ...(certificateFile === null ? {} : { caFile: certificateFile }),
      };
      config.loadFromClusterAndUser(cluster, {
        name: "configured",
        authProvider: { name: "tokenFile", config: { tokenFile } },
      });
    }
  }
}

type Dispatcher = ReturnType<RequestContext["getDispatcher"]>;

class SharingConfig extends KubeConfig {
  readonly #clock: Clock;
  #shared: { readonly dispatcher: Dispatcher; readonly untilMonotonicMs: number } | null = null;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async applySecurityAuthentication(request: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(request);
    const made = request.getDispatcher();
    // Plain http: the process' own connections are shared anyway.
    if (made === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    // What is dropped here has opened no connection; what is replaced closes its own once nobody uses them.
    if (this.#shared === null || nowMs >= this.#shared.untilMonotonicMs)
      this.#shared = { dispatcher: made, untilMonotonicMs: nowMs + CONNECTIONS_FOR_MS };
    else if (this.#shared.dispatcher !== undefined) request.setDispatcher(this.#shared.dispatcher);
  }
}
