/** A pool's `kind: kubernetes` block as the rest of the program gets it: with defaults, paths absolute. */
import { resolve } from "node:path";
import type { ClusterAccess, Toleration } from "../../adapters/kubernetes/settings.ts";
import type { PodTemplate } from "../../adapters/kubernetes/template.ts";
import { invariant } from "../../domain/invariant.ts";
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import type { KubernetesProviderConfig } from "./config.ts";
import type { WrittenPool } from "./schema.ts";

const LONGEST_JOB_MS = 6 * HOUR_MS;

type Written = WrittenPool["provider"];

/** @param folder where relative paths begin. */
export function buildKubernetes(provider: Written, folder: string): KubernetesProviderConfig {
  const { namespace, image, resources, longestJob = LONGEST_JOB_MS } = provider;
  invariant(namespace !== undefined && image !== undefined, "a Kubernetes pool without problems has its keys");
  return {
    kind: "kubernetes",
    access: buildAccess(provider.access, folder),
    namespace,
    image,
    resources: { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} },
    nodeSelector: provider.nodeSelector ?? {},
    tolerations: (provider.tolerations ?? []).map(withoutAbsent),
    serviceAccount: provider.serviceAccount ?? null,
    longestJobSeconds: Math.ceil(longestJob / SECOND_MS),
    template: buildTemplate(provider.template),
  };
}

function buildAccess(access: Written["access"], folder: string): ClusterAccess {
  switch (access?.kind) {
    case undefined:
    case "in-cluster":
      return { kind: "in-cluster" };
    case "kubeconfig": {
      const { file, context = null } = access;
      invariant(file !== undefined, "such access names its file");
      return { kind: "kubeconfig", file: resolve(folder, file), context };
    }
    case "token": {
      const { server, tokenFile, certificateFile } = access;
      invariant(server !== undefined && tokenFile !== undefined, "such access names server and token");
      return {
        kind: "token",
        server,
        tokenFile: resolve(folder, tokenFile),
        certificateFile: certificateFile === undefined ? null : resolve(folder, certificateFile),
      };
    }
  }
}

function withoutAbsent(toleration: NonNullable<Written["tolerations"]>[number]): Toleration {
  return Object.fromEntries(
    Object.entries(toleration).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function buildTemplate(template: Written["template"]): PodTemplate {
  const { metadata, spec } = template ?? {};
  return {
    ...(metadata === undefined
      ? {}
      : { metadata: { labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} } }),
    ...(spec === undefined ? {} : { spec }),
  };
}
