/** The keys of `pools[].provider` that are for `kind: kubernetes`. What each kind demands and refuses is in `check-provider.ts`. */
import * as z from "zod";
import { DAY_MS, MINUTE_MS } from "../../domain/units.ts";
import { durationText, key, matchedText, pathText, urlText } from "./key.ts";

const TOLERATION_COUNT_MAX = 50;
const RESOURCE_COUNT_MAX = 30;
const SELECTOR_COUNT_MAX = 50;
/** GitHub's own limit for a job on a self-hosted runner. */
const LONGEST_JOB_MAX_MS = 5 * DAY_MS;

const ACCESS_KINDS = ["in-cluster", "kubeconfig", "token"] as const;

const AccessSchema = z.strictObject({
  kind: key(z.enum(ACCESS_KINDS), {
    says: "`in-cluster`: as the pod that Holdfast runs in; `kubeconfig`: by such a file; `token`: by the address and a token.",
    example: "kind: in-cluster",
  }),
  file: key(pathText().optional(), {
    says: "`kubeconfig`: the file. Required.",
    example: "file: ./kubeconfig",
    defaultText: "**required** for `kubeconfig`",
  }),
  context: key(z.string().min(1).max(253).optional(), {
    says: "`kubeconfig`: which of its contexts.",
    example: "context: ci",
    defaultText: "its current one",
  }),
  server: key(urlText().optional(), {
    says: "`token`: the address of the API server. Required.",
    example: "server: https://10.0.0.1:6443",
    defaultText: "**required** for `token`",
  }),
  tokenFile: key(pathText().optional(), {
    says: "`token`: the file with the bearer token, read anew as it is renewed. Required.",
    example: "tokenFile: ./cluster-token",
    defaultText: "**required** for `token`",
  }),
  certificateFile: key(pathText().optional(), {
    says: "`token`: the certificates (PEM) of the authority that signed the API server's.",
    example: "certificateFile: ./cluster-ca.pem",
    defaultText: "the authorities that Node trusts",
  }),
});

/** Which key of `access` is for which kind, and whether that kind needs it. */
export const ACCESS_KEYS = {
  file: { kind: "kubeconfig", isRequired: true },
  context: { kind: "kubeconfig", isRequired: false },
  server: { kind: "token", isRequired: true },
  tokenFile: { kind: "token", isRequired: true },
  certificateFile: { kind: "token", isRequired: false },
} as const satisfies Partial<Record<keyof typeof AccessSchema.shape, object>>;

export function accessExample(name: keyof typeof ACCESS_KEYS): string {
  return {
    file: "./kubeconfig",
    context: "ci",
    server: "https://10.0.0.1:6443",
    tokenFile: "./cluster-token",
    certificateFile: "./cluster-ca.pem",
  }[name];
}

function quantities() {
  const quantity = z
    .union([
      z.string().regex(/^\d+(?:\.\d+)?[A-Za-z]{0,2}$/, { error: "is not a quantity, as in `500m` or `4Gi`" }),
      z.number().min(0),
    ])
    .transform(String);
  return z
    .record(z.string().min(1).max(317), quantity)
    .refine((all) => Object.keys(all).length <= RESOURCE_COUNT_MAX, { error: `names more than ${RESOURCE_COUNT_MAX}` })
    .prefault({});
}

const ResourcesSchema = z.strictObject({
  requests: key(quantities(), {
    says: "What a node must have free for it.",
    example: 'requests: { cpu: "2", memory: 4Gi }',
  }),
  limits: key(quantities(), { says: "What it may use at most.", example: "limits: { memory: 4Gi }" }),
});

const TolerationSchema = z.strictObject({
  key: key(z.string().max(317).optional(), {
    says: "The taint's key.",
    example: "key: ci",
    defaultText: "every taint",
  }),
  operator: key(z.enum(["Exists", "Equal"]).optional(), {
    says: "`Exists`, or `Equal` for one value.",
    example: "operator: Exists",
    defaultText: "`Equal`",
  }),
  value: key(z.string().max(63).optional(), {
    says: "The taint's value.",
    example: 'value: "true"',
    defaultText: "none",
  }),
  effect: key(z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(), {
    says: "The taint's effect.",
    example: "effect: NoSchedule",
    defaultText: "every effect",
  }),
  tolerationSeconds: key(z.int().min(0).optional(), {
    says: "Of `NoExecute`: for how many seconds.",
    example: "tolerationSeconds: 300",
    defaultText: "for ever",
  }),
});

const texts = () => z.record(z.string().min(1).max(317), z.string().max(4_096));

const TemplateSchema = z.strictObject({
  metadata: key(
    z
      .strictObject({
        labels: key(texts().optional(), {
          says: "Besides Holdfast's own.",
          example: "labels: { team: platform }",
          defaultText: "none",
        }),
        annotations: key(texts().optional(), {
          says: "Besides Holdfast's own.",
          example: "annotations: { example.com/scrape: 'no' }",
          defaultText: "none",
        }),
      })
      .optional(),
    {
      says: "Labels and annotations of each pod.",
      example: "metadata: { labels: { team: platform } }",
      defaultText: "none",
    },
  ),
  spec: key(z.record(z.string(), z.unknown()).optional(), {
    says: "Any field of a PodSpec that is not Holdfast's: sidecars, volumes, security contexts. What it says of a container `runner` is added to the runner's own.",
    example: "spec: { priorityClassName: ci }",
    defaultText: "nothing",
  }),
});

export const KUBERNETES_SHAPE = {
  access: key(AccessSchema.optional(), {
    says: "`kubernetes`: how the cluster's API is reached.",
    example: "access: { kind: in-cluster }",
    defaultText: "`{ kind: in-cluster }`",
  }),
  namespace: key(matchedText(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "must be the name of a namespace").optional(), {
    says: "`kubernetes`: the namespace of the pods, which is there already. Required.",
    example: "namespace: runners",
    defaultText: "**required** for `kubernetes`",
  }),
  resources: key(ResourcesSchema.optional(), {
    says: "`kubernetes`: what the runner's container asks for.",
    example: 'resources: { requests: { cpu: "2", memory: 4Gi } }',
    defaultText: "nothing",
  }),
  nodeSelector: key(
    texts()
      .refine((all) => Object.keys(all).length <= SELECTOR_COUNT_MAX, {
        error: `names more than ${SELECTOR_COUNT_MAX}`,
      })
      .optional(),
    {
      says: "`kubernetes`: labels that a node must have.",
      example: "nodeSelector: { pool: ci }",
      defaultText: "any node",
    },
  ),
  tolerations: key(z.array(TolerationSchema).max(TOLERATION_COUNT_MAX).optional(), {
    says: "`kubernetes`: taints of nodes that keep these pods off no node. At most 50.",
    example: "tolerations: [{ key: ci, operator: Exists }]",
    defaultText: "none",
  }),
  serviceAccount: key(
    matchedText(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, "must be the name of a service account").optional(),
    {
      says: "`kubernetes`: the service account of the pods. Holdfast's agent needs no permission of it; jobs get its token only where the template says `automountServiceAccountToken: true`.",
      example: "serviceAccount: runner",
      defaultText: "`default`",
    },
  ),
  longestJob: key(durationText(MINUTE_MS, LONGEST_JOB_MAX_MS, "from 1m to 5d").optional(), {
    says: "`kubernetes`: so long a pod that somebody else deletes (a drain, a person) may go on with its job. `asg`: what `holdfast check` measures the group's hooks by. A duration, 1m to 5d.",
    example: "longestJob: 6h",
    defaultText: "`6h`",
  }),
  template: key(TemplateSchema.optional(), {
    says: "`kubernetes`: everything else of the pods.",
    example: "template: { spec: { priorityClassName: ci } }",
    defaultText: "nothing",
  }),
};

/** Those without which there is no pool. */
export const KUBERNETES_REQUIRED = ["namespace"] as const satisfies readonly (keyof typeof KUBERNETES_SHAPE)[];
