/**
 * A machine's pod: the user's template, and over it what is ours. No secret of ours is in it; agent and job share the
 * container, so none would be safe from the job.
 */
import type { V1Container, V1Pod, V1PodSpec, V1Volume } from "@kubernetes/client-node";
import { POD_HOME, POD_TOKEN_FILE, POD_TOKEN_FOLDER, podVariables } from "../../domain/host/pod-settings.ts";
import type { LaunchId, MachineId } from "../../domain/ids.ts";
import { podNameOf } from "../../domain/pod/provider-id.ts";
import { POD_TOKEN_AUDIENCE } from "../../ports/pod-identity.ts";
import { FETCH_BUNDLE } from "./fetch-bundle.ts";
import { LABEL, ownerLabels, SETTINGS_ANNOTATION } from "./marks.ts";
import { PROCESS_ONE } from "./process-one.ts";
import type { KubernetesProviderOptions } from "./settings.ts";
import { AGENT_CONTAINER, OWN_ANNOTATIONS, RUNNER_CONTAINER, VOLUME_PREFIX } from "./template.ts";

const AGENT_VOLUME = `${VOLUME_PREFIX}agent`;
const TOKEN_VOLUME = `${VOLUME_PREFIX}token`;
/** Renewed by the kubelet after four fifths of it. */
const TOKEN_SECONDS = 3_600;
const TOKEN_NAME = POD_TOKEN_FILE.slice(POD_TOKEN_FOLDER.length + 1);

export interface PodParts {
  readonly machineId: MachineId;
  readonly launchId: LaunchId;
  readonly settingsHash: string;
  /** Where it is not to be bound to: these started nothing lately. */
  readonly avoidedNodes: readonly string[];
}

export type PodOptions = Omit<KubernetesProviderOptions, "clock" | "random">;

export function buildPod(options: PodOptions, parts: PodParts): V1Pod {
  const { template, namespace } = options.settings;
  const { machineId, launchId, settingsHash } = parts;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: podNameOf(machineId),
      namespace,
      labels: {
        ...template.metadata?.labels,
        "app.kubernetes.io/managed-by": "holdfast",
        ...ownerLabels(options),
        [LABEL.machine]: machineId,
        [LABEL.launch]: launchId,
      },
      annotations: { ...template.metadata?.annotations, ...OWN_ANNOTATIONS, [SETTINGS_ANNOTATION]: settingsHash },
    },
    spec: buildSpec(options, parts),
  };
}

function buildSpec(options: PodOptions, parts: PodParts): V1PodSpec {
  const { settings } = options;
  // What it is made of the API server says, which knows every field; its types here are for what is ours.
  const spec = { ...settings.template.spec } as Partial<V1PodSpec>;
  const containers = spec.containers ?? [];
  const runner = containers.find(({ name }) => name === RUNNER_CONTAINER) ?? { name: RUNNER_CONTAINER };
  const sidecars = containers.filter((container) => container !== runner);
  const affinity = avoid(spec.affinity, parts.avoidedNodes);
  return {
    ...spec,
    restartPolicy: "Never",
    terminationGracePeriodSeconds: settings.longestJobSeconds,
    // A job that needs the API gets its token by saying so in the template.
    automountServiceAccountToken: spec.automountServiceAccountToken ?? false,
    ...(settings.serviceAccount === null ? {} : { serviceAccountName: settings.serviceAccount }),
    nodeSelector: { ...spec.nodeSelector, ...settings.nodeSelector },
    tolerations: [...(spec.tolerations ?? []), ...settings.tolerations.map((one) => ({ ...one }))],
    ...(affinity === undefined ? {} : { affinity }),
    initContainers: [bringer(options, parts, runner), ...(spec.initContainers ?? [])],
    containers: [runnerContainer(options, parts, runner), ...sidecars],
    volumes: [...(spec.volumes ?? []), ...OWN_VOLUMES],
  };
}

const OWN_VOLUMES: V1Volume[] = [
  { name: AGENT_VOLUME, emptyDir: {} },
  {
    name: TOKEN_VOLUME,
    projected: {
      sources: [
        {
          serviceAccountToken: {
            audience: POD_TOKEN_AUDIENCE,
            expirationSeconds: TOKEN_SECONDS,
            path: TOKEN_NAME,
          },
        },
      ],
    },
  },
];

const AGENT_MOUNT = { name: AGENT_VOLUME, mountPath: POD_HOME };

/**
 * Fetches the agent, as the runner's user and in the runner's image, on the Node that the runner brings; by the same proxy
 * and the same authorities, which the template names for the runner by variables and files.
 */
function bringer(options: PodOptions, parts: PodParts, runner: V1Container): V1Container {
  const { securityContext, imagePullPolicy } = runner;
  return {
    name: AGENT_CONTAINER,
    image: options.settings.image,
    command: ["/bin/sh", "-c", FETCH_BUNDLE],
    env: [...(runner.env ?? []), ...variables(options, parts)],
    volumeMounts: [...(runner.volumeMounts ?? []), AGENT_MOUNT],
    // A namespace whose quota counts resources refuses containers that name none. What it asks for adds nothing to the
    // pod's: init containers have ended before the others start.
    ...resourcesOf(options),
    ...(securityContext === undefined ? {} : { securityContext }),
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
  };
}

function runnerContainer(options: PodOptions, parts: PodParts, runner: V1Container): V1Container {
  const token = { name: TOKEN_VOLUME, mountPath: POD_TOKEN_FOLDER, readOnly: true };
  return {
    ...runner,
    image: options.settings.image,
    command: ["/bin/sh", "-c", PROCESS_ONE],
    env: [...(runner.env ?? []), ...variables(options, parts)],
    volumeMounts: [...(runner.volumeMounts ?? []), AGENT_MOUNT, token],
    ...resourcesOf(options),
  };
}

function variables({ settings: _, ...options }: PodOptions, { machineId }: PodParts): NonNullable<V1Container["env"]> {
  return [...podVariables({ ...options, machineId })].map((variable) => ({ ...variable }));
}

function resourcesOf({ settings: { resources } }: PodOptions): Pick<V1Container, "resources"> {
  const { requests, limits } = resources;
  return { resources: { requests: { ...requests }, limits: { ...limits } } };
}

/** One more condition in each of the alternatives that the template names: nodes fit that fit any of them. */
function avoid(affinity: V1PodSpec["affinity"], nodes: readonly string[]): V1PodSpec["affinity"] {
  if (nodes.length === 0) return affinity;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms ?? [{}];
  // Of a field, unlike of a label, the API takes one value for each condition.
  const avoided = nodes.map((node) => ({ key: "metadata.name", operator: "NotIn", values: [node] }));
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((term) => ({ ...term, matchFields: [...(term.matchFields ?? []), ...avoided] })),
      },
    },
  };
}
