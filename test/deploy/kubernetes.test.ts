/** The manifests that users install: that they fit together, allow what is needed, and nothing more. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1Deployment,
  V1LimitRange,
  V1Namespace,
  V1NetworkPolicy,
  V1NetworkPolicyPeer,
  V1PersistentVolumeClaim,
  V1ResourceQuota,
  V1Role,
  V1RoleBinding,
  V1Service,
  V1ServiceAccount,
} from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { policyRules } from "../../src/adapters/kubernetes/access-rules.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const FOLDER = join(ROOT, "deploy", "kubernetes");
const FILES = ["controller.yaml", "pool.yaml"] as const;
const CLUSTER_WIDE = ["Namespace", "ClusterRole", "ClusterRoleBinding"];

/** Of each kind that the files have: what the API calls its fields. */
interface Kinds {
  readonly ClusterRole: V1ClusterRole;
  readonly ClusterRoleBinding: V1ClusterRoleBinding;
  readonly ConfigMap: V1ConfigMap;
  readonly Deployment: V1Deployment;
  readonly LimitRange: V1LimitRange;
  readonly Namespace: V1Namespace;
  readonly NetworkPolicy: V1NetworkPolicy;
  readonly PersistentVolumeClaim: V1PersistentVolumeClaim;
  readonly ResourceQuota: V1ResourceQuota;
  readonly Role: V1Role;
  readonly RoleBinding: V1RoleBinding;
  readonly Service: V1Service;
  readonly ServiceAccount: V1ServiceAccount;
}

interface Manifest<Kind extends keyof Kinds = keyof Kinds> {
  readonly file: string;
  readonly kind: Kind;
  readonly object: Kinds[Kind];
}

const manifests = FILES.flatMap((file) =>
  parseAllDocuments(readFileSync(join(FOLDER, file), "utf8"), { strict: true }).map((document): Manifest => {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS();
    return { file, kind: object.kind, object };
  }),
);

function all<Kind extends keyof Kinds>(kind: Kind): readonly Kinds[Kind][] {
  return manifests.filter((one): one is Manifest<Kind> => one.kind === kind).map(({ object }) => object);
}

function only<Kind extends keyof Kinds>(kind: Kind, name?: string): Kinds[Kind] {
  const found = all(kind).filter(({ metadata }) => name === undefined || metadata?.name === name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${kind} ${name ?? ""}`);
  return found[0];
}

const deployment = only("Deployment").spec;
const pod = deployment?.template;
const controller = pod?.spec?.containers[0];
const config = parse(only("ConfigMap").data?.["holdfast.yaml"] ?? "");

describe("the manifests", () => {
  it("are whole, each once, in a namespace that they make", () => {
    const namespaces = all("Namespace").map(({ metadata }) => metadata?.name);
    const names = manifests.map(({ kind, object: { metadata } }) => `${kind} ${metadata?.namespace}/${metadata?.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { kind, object } of manifests) {
      expect(object.apiVersion).toMatch(/^(?:[a-z0-9.]+\/)?v1$/);
      if (CLUSTER_WIDE.includes(kind)) expect(object.metadata?.namespace).toBeUndefined();
      else expect(namespaces, `${kind} ${object.metadata?.name}`).toContain(object.metadata?.namespace);
    }
  });

  it("come after their namespace in each file", () => {
    for (const file of FILES) expect(manifests.find((one) => one.file === file)?.kind).toBe("Namespace");
  });
});

describe("the roles", () => {
  it("allow in a pool's namespace what the adapter calls, and nothing else", () => {
    expect(only("Role").rules).toEqual(policyRules("namespace"));
  });

  it("allow in the cluster what the adapter calls, and nothing else", () => {
    expect(only("ClusterRole").rules).toEqual(policyRules("cluster"));
  });

  it("are the controller's, and nobody else's", () => {
    const { name, namespace } = only("ServiceAccount", pod?.spec?.serviceAccountName).metadata ?? {};
    const subjects = [{ kind: "ServiceAccount", name, namespace }];
    const roleRef = (kind: "Role" | "ClusterRole") => ({
      apiGroup: "rbac.authorization.k8s.io",
      kind,
      name: only(kind).metadata?.name,
    });
    expect(only("RoleBinding")).toMatchObject({ roleRef: roleRef("Role"), subjects });
    expect(only("ClusterRoleBinding")).toMatchObject({ roleRef: roleRef("ClusterRole"), subjects });
    expect(only("RoleBinding").metadata?.namespace).toBe(only("Role").metadata?.namespace);
  });

  it("leave jobs without any: their account has none, and its token is not in their pods", () => {
    const runner = only("ServiceAccount", "runner");
    expect(runner.automountServiceAccountToken).toBe(false);
    expect(runner.metadata?.namespace).toBe(only("Role").metadata?.namespace);
    expect(config.pools[0].provider).toMatchObject({ serviceAccount: "runner", namespace: runner.metadata?.namespace });
  });
});

describe("the controller's pod", () => {
  it("is one at a time, and has the time that a launch takes to write down what is under way", () => {
    expect(deployment).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    expect(pod?.spec?.terminationGracePeriodSeconds).toBeGreaterThan(60);
    expect(deployment?.selector.matchLabels).toEqual(pod?.metadata?.labels);
  });

  it("is nobody's but its user's, and writes nowhere but to its volumes", () => {
    expect(pod?.spec?.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(controller?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(only("Namespace", "holdfast").metadata?.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "restricted",
    });
  });

  it("mounts what is there: the configuration, the secrets that it names, and the store", () => {
    const volumeAt = (path: string) => {
      const name = controller?.volumeMounts?.find(({ mountPath }) => mountPath === path)?.name;
      return pod?.spec?.volumes?.find((volume) => volume.name === name);
    };
    for (const { mountPath } of controller?.volumeMounts ?? []) expect(volumeAt(mountPath), mountPath).toBeDefined();
    const claim = volumeAt("/var/lib/holdfast")?.persistentVolumeClaim?.claimName;
    expect(only("PersistentVolumeClaim").metadata?.name).toBe(claim);
    expect(config.store).toBe("sqlite:/var/lib/holdfast/holdfast.db");
    const configMap = { name: only("ConfigMap").metadata?.name };
    expect(volumeAt("/etc/holdfast")?.projected?.sources).toEqual([{ configMap }, { secret: { name: "holdfast" } }]);
    const files: readonly string[] = [
      config.tokenKeyFile,
      config.github.main.app.privateKeyFile,
      ...config.github.main.webhookSecretFiles,
      ...config.operators.flatMap(({ tokenFile }: { readonly tokenFile?: string }) => tokenFile ?? []),
    ];
    const guide = readFileSync(join(ROOT, "docs", "guide", "install-kubernetes.md"), "utf8");
    for (const file of files) expect(guide).toContain(`--from-file=${file.replace("./", "")}`);
  });

  it("is reached at the ports that its configuration opens, by services that select it", () => {
    const portOf = (address: string) => Number(address.split(":").at(-1));
    const { listen, urls } = config;
    const ports = { webhooks: portOf(listen.webhooks), agents: portOf(listen.agents) };
    const opened = controller?.ports?.map(({ name = "", containerPort }) => [name, containerPort]) ?? [];
    expect(Object.fromEntries(opened)).toEqual(ports);
    expect(listen.operators).toMatch(/^127\.0\.0\.1:/);
    for (const name of ["webhooks", "agents"] as const) {
      const { spec } = only("Service", `holdfast-${name}`);
      expect(spec?.selector).toEqual(pod?.metadata?.labels);
      expect(spec?.ports).toEqual([{ name, port: ports[name], targetPort: name }]);
    }
    const { metadata, spec } = only("Service", "holdfast-agents");
    expect(urls.agents).toBe(`http://${metadata?.name}.${metadata?.namespace}.svc:${ports.agents}`);
    expect(spec?.publishNotReadyAddresses).toBe(true);
  });
});

describe("the network policies", () => {
  const into = only("NetworkPolicy", "holdfast").spec;
  const out = only("NetworkPolicy", "runners").spec;

  it("let agents reach the controller, from both sides", () => {
    expect(into?.podSelector?.matchLabels).toEqual(pod?.metadata?.labels);
    // The client calls it `_from`; here is what the file says.
    const [agents] = (into?.ingress ?? []) as readonly { readonly from?: readonly V1NetworkPolicyPeer[] }[];
    const labels = agents?.from?.[0]?.namespaceSelector?.matchLabels ?? {};
    expect(Object.keys(labels)).toHaveLength(1);
    expect(only("Namespace", "holdfast-runners").metadata?.labels).toMatchObject(labels);
    expect(out?.policyTypes).toEqual(["Ingress", "Egress"]);
    const toController = out?.egress?.[1];
    const target = { matchLabels: { "kubernetes.io/metadata.name": only("Namespace", "holdfast").metadata?.name } };
    expect(toController?.to?.[0]?.namespaceSelector).toEqual(target);
    expect(toController?.ports?.[0]?.port).toBe(only("Service", "holdfast-agents").spec?.ports?.[0]?.port);
  });

  it("keep the node's metadata from jobs", () => {
    const open = out?.egress?.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? [])) ?? [];
    expect(open.map(({ cidr }) => cidr)).toEqual(["0.0.0.0/0", "::/0"]);
    expect(open[0]?.except).toContain("169.254.0.0/16");
    expect(open[1]?.except).toContain("fe80::/10");
  });
});

describe("the image", () => {
  const lines = readFileSync(join(ROOT, "deploy", "container", "Containerfile"), "utf8").split("\n");
  const instructions = lines.filter((line) => /^[A-Z]+ /.test(line)).map((line) => line.split(" "));
  const of = (name: string) => instructions.filter(([instruction]) => instruction === name).map(([, ...rest]) => rest);

  it("copies what is in a checkout, and what the first stage made", () => {
    const entries = new Set(readdirSync(ROOT));
    const copied = of("COPY").filter(([from]) => !from?.startsWith("--from="));
    expect(copied.length).toBeGreaterThan(3);
    for (const parts of copied)
      for (const source of parts.slice(0, -1)) expect(entries.has(source.replace("./", "")), source).toBe(true);
    expect(of("COPY").filter(([from]) => from === "--from=packages")).toHaveLength(1);
  });

  it("has the Node that the package asks for, and only what it needs at work", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const [image = ""] = of("ARG")[0] ?? [];
    expect(`>=${/node:(\d+)-/.exec(image)?.[1]}`).toBe(engines.node);
    expect(of("RUN")[0]?.join(" ")).toMatch(/^npm ci --omit=dev /);
  });

  it("runs as the user that the deployment names, with the paths that it mounts", () => {
    const { runAsUser, runAsGroup } = pod?.spec?.securityContext ?? {};
    expect(of("USER")).toEqual([[`${runAsUser}:${runAsGroup}`]]);
    expect(of("VOLUME")).toEqual([["/var/lib/holdfast"]]);
    const entry: readonly string[] = JSON.parse(of("ENTRYPOINT")[0]?.join(" ") ?? "[]");
    const program = entry.at(-1) ?? "";
    expect(readdirSync(join(ROOT, "bin"))).toContain(program.replace("/opt/holdfast/bin/", ""));
    expect(JSON.parse(of("CMD")[0]?.join(" ") ?? "[]")).toEqual(["serve", "--config", "/etc/holdfast/holdfast.yaml"]);
    const ports = of("EXPOSE")[0]?.map(Number);
    for (const { containerPort } of controller?.ports ?? []) expect(ports).toContain(containerPort);
  });
});
