/** What a pool of kind `kubernetes` demands and refuses beyond the form of its keys. */
import { findConflicts, type PodTemplate } from "../../adapters/kubernetes/template.ts";
import type { Draft, DraftPool } from "./draft.ts";
import { noteOf } from "./key.ts";
import type { ProblemList } from "./problems.ts";
import { ACCESS_KEYS, accessExample, KUBERNETES_REQUIRED, KUBERNETES_SHAPE } from "./schema-kubernetes.ts";
import type { SecretReader } from "./secret-sources.ts";

type Keys = Readonly<Record<string, unknown>>;

export function checkKubernetes(path: string, { runner }: DraftPool, provider: Keys, problems: ProblemList): void {
  const at = `${path}.provider`;
  for (const key of KUBERNETES_REQUIRED)
    if (provider[key] === undefined)
      problems.add(`${at}.${key}`, "is missing", `as in \`${noteOf(KUBERNETES_SHAPE[key])?.example}\``);
  if (provider.image === undefined)
    problems.add(`${at}.image`, "is missing", "as in `image: ghcr.io/actions/actions-runner:2.336.0`");
  if (runner?.directory !== undefined && !runner.directory.startsWith("/"))
    problems.add(
      `${path}.runner.directory`,
      "is a folder of the image's own, so it begins with `/`",
      "as in `directory: /home/runner`",
    );
  if (runner?.user !== undefined)
    problems.add(
      `${path}.runner.user`,
      "is for `kind: ec2`",
      "remove it: a pod's user is its image's, or `securityContext` in the template",
    );
  if (runner?.download !== undefined)
    problems.add(`${path}.runner.download`, "is for `kind: ec2`", "remove it: the runner is in the image");
  checkAccess(`${at}.access`, provider.access, problems);
  checkTemplate(`${at}.template`, provider.template, problems);
}

function checkAccess(at: string, access: unknown, problems: ProblemList): void {
  if (!isBlock(access) || typeof access.kind !== "string") return;
  for (const [key, { kind, isRequired }] of Object.entries(ACCESS_KEYS)) {
    const isThere = access[key] !== undefined;
    if (isThere && kind !== access.kind)
      problems.add(`${at}.${key}`, `is for \`kind: ${kind}\``, `remove it, or use \`kind: ${kind}\``);
    if (!isThere && isRequired && kind === access.kind)
      problems.add(`${at}.${key}`, "is missing", `as in \`${key}: ${accessExample(key as keyof typeof ACCESS_KEYS)}\``);
  }
}

function checkTemplate(at: string, template: unknown, problems: ProblemList): void {
  if (!isBlock(template)) return;
  const read: PodTemplate = {
    ...(isBlock(template.metadata) ? { metadata: marksOf(template.metadata) } : {}),
    ...(isBlock(template.spec) ? { spec: template.spec } : {}),
  };
  for (const { path, problem, mend } of findConflicts(read)) problems.add(`${at}.${path}`, problem, mend);
}

/** Of another kind than texts: told by the schema. */
function marksOf({ labels, annotations }: Keys): NonNullable<PodTemplate["metadata"]> {
  const textsOf = (block: unknown) =>
    Object.fromEntries(Object.entries(isBlock(block) ? block : {}).map(([key, value]) => [key, String(value)]));
  return { labels: textsOf(labels), annotations: textsOf(annotations) };
}

function isBlock(value: unknown): value is Keys {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const ACCESS_FILES = {
  file: "kubectl config view --minify --flatten > kubeconfig",
  tokenFile: "kubectl create token holdfast > cluster-token",
  certificateFile: "save the authority of the API server's certificate in PEM form",
} as const;

/** The files that `access` names are read when they are used; that they can be is tried here. */
export async function checkAccessFiles(draft: Draft, reader: SecretReader): Promise<void> {
  for (const [index, pool] of (draft.pools ?? []).entries()) {
    const { provider } = pool ?? {};
    if (provider?.kind !== "kubernetes" || !isBlock(provider.access)) continue;
    for (const [key, source] of Object.entries(ACCESS_FILES)) {
      const file = provider.access[key];
      if (typeof file !== "string" || file === "") continue;
      await reader.read({ path: `pools[${index}].provider.access.${key}`, file, variable: null, source });
    }
  }
}
