/**
 * The user's part of a pod: any field of its metadata and its PodSpec, as JSON. What is ours in it the template may not
 * name: it would be set by two, and one of them would be wrong without a word.
 */

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  /** A PodSpec; the API server says what of it is wrong. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The containers that are ours. */
export const RUNNER_CONTAINER = "runner";
export const AGENT_CONTAINER = "holdfast-agent";
export const MARK_PREFIX = "holdfast/";
/** Of our volumes' names. */
export const VOLUME_PREFIX = "holdfast-";
const VARIABLE_PREFIX = "HOLDFAST_";

export const OWN_ANNOTATIONS: Readonly<Record<string, string>> = {
  "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
  "karpenter.sh/do-not-disrupt": "true",
};

export interface TemplateConflict {
  /** Below the template: `spec.restartPolicy`. */
  readonly path: string;
  readonly problem: string;
  readonly mend: string;
}

const OWN_SPEC: Readonly<Record<string, readonly [problem: string, mend: string]>> = {
  restartPolicy: ["is Holdfast's: a pod runs once", "remove it"],
  terminationGracePeriodSeconds: ["is Holdfast's: the time of the longest job", "remove it, and set `longestJob`"],
  serviceAccountName: ["has a key of its own", "remove it, and set `serviceAccount`"],
  serviceAccount: ["has a key of its own", "remove it, and set `serviceAccount` of the provider"],
  shareProcessNamespace: ["would take the agent its place as the container's first process", "remove it"],
  activeDeadlineSeconds: ["would end a job by the clock", "remove it, and set `timeout-minutes` in the workflow"],
  nodeName: [
    "would leave the scheduler out, and a node that starts nothing could not be avoided",
    "use `nodeSelector`",
  ],
};

const OWN_RUNNER: Readonly<Record<string, readonly [problem: string, mend: string]>> = {
  image: ["has a key of its own", "remove it, and set `image` of the provider"],
  resources: ["has a key of its own", "remove it, and set `resources` of the provider"],
  command: ["is Holdfast's: the agent starts the runner", "remove it"],
  args: ["is Holdfast's: the agent starts the runner", "remove it"],
  livenessProbe: ["would have the kubelet end a job", "remove it"],
  startupProbe: ["would have the kubelet end a job", "remove it"],
  restartPolicy: ["would start what has ended again: its end would prove nothing", "remove it"],
};

/** Of any container: a rule can restart all of them. */
const OWN_ANYWHERE: Readonly<Record<string, readonly [problem: string, mend: string]>> = {
  restartPolicyRules: ["would restart the runner's container, under its job or after its end", "remove it"],
};

/** What of a template is ours. Empty for one that can be used. */
export function findConflicts({ metadata, spec }: PodTemplate): readonly TemplateConflict[] {
  return [...findInMetadata(metadata ?? {}), ...findOwn("spec", spec ?? {}, OWN_SPEC), ...findInParts(spec ?? {})];
}

function findOwn(
  path: string,
  block: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, readonly [string, string]>>,
): readonly TemplateConflict[] {
  return Object.entries(own).flatMap(([key, [problem, mend]]) =>
    block[key] === undefined ? [] : [{ path: `${path}.${key}`, problem, mend }],
  );
}

function findInMetadata({ labels = {}, annotations = {} }: NonNullable<PodTemplate["metadata"]>) {
  const conflicts: TemplateConflict[] = [];
  for (const [block, marks] of Object.entries({ labels, annotations }))
    for (const key of Object.keys(marks))
      if (key.startsWith(MARK_PREFIX) || Object.hasOwn(OWN_ANNOTATIONS, key))
        conflicts.push({ path: `metadata.${block}.${key}`, problem: "is Holdfast's own mark", mend: "remove it" });
  return conflicts;
}

function findInParts(spec: Readonly<Record<string, unknown>>): readonly TemplateConflict[] {
  const conflicts: TemplateConflict[] = [];
  for (const [index, container] of partsOf(spec, "containers").entries()) {
    const path = `spec.containers[${index}]`;
    conflicts.push(...findReserved(path, container, [AGENT_CONTAINER]), ...findOwn(path, container, OWN_ANYWHERE));
    if (container.name !== RUNNER_CONTAINER) continue;
    conflicts.push(...findOwn(path, container, OWN_RUNNER), ...findVariables(path, container));
  }
  for (const [index, container] of partsOf(spec, "initContainers").entries()) {
    const path = `spec.initContainers[${index}]`;
    conflicts.push(...findReserved(path, container, [AGENT_CONTAINER, RUNNER_CONTAINER]));
    conflicts.push(...findOwn(path, container, OWN_ANYWHERE));
  }
  for (const [index, volume] of partsOf(spec, "volumes").entries())
    if (String(volume.name).startsWith(VOLUME_PREFIX))
      conflicts.push({
        path: `spec.volumes[${index}].name`,
        problem: `begins with ${VOLUME_PREFIX}, as Holdfast's own`,
        mend: "choose another name",
      });
  return conflicts;
}

function findReserved(path: string, { name }: Part, reserved: readonly string[]): readonly TemplateConflict[] {
  if (!reserved.includes(String(name))) return [];
  return [
    { path: `${path}.name`, problem: "is the name of a container of Holdfast's own", mend: "choose another name" },
  ];
}

function findVariables(path: string, container: Part): readonly TemplateConflict[] {
  return partsOf(container, "env").flatMap(({ name }, index) =>
    String(name).startsWith(VARIABLE_PREFIX)
      ? [
          {
            path: `${path}.env[${index}].name`,
            problem: "is a variable of Holdfast's own",
            mend: "choose another name",
          },
        ]
      : [],
  );
}

type Part = Readonly<Record<string, unknown>>;

/** A list of blocks in a template that nobody has checked: what is no block counts as an empty one. */
function partsOf(block: Part, key: string): readonly Part[] {
  const list = block[key];
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => (typeof item === "object" && item !== null ? (item as Part) : {}));
}
