/** What the contract is held against: a cluster's API, whoever serves it. */
import type { KubeConfig } from "@kubernetes/client-node";

export interface ContractCluster {
  /** An administrator's. */
  readonly config: KubeConfig;
  /** Another caller's. */
  configWith(token: string): KubeConfig;
  /** What was before now is forgotten: who goes on from before is told so. */
  forgetHistory(): Promise<void>;
  close(): Promise<void>;
}

export interface ClusterAccess {
  readonly server: string;
  readonly certificatePem: string;
}

export function kubeconfigText({ server, certificatePem }: ClusterAccess, token: string): string {
  const trust = { "certificate-authority-data": Buffer.from(certificatePem).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "contract", cluster: { server, ...trust } }],
    users: [{ name: "contract", user: { token } }],
    contexts: [{ name: "contract", context: { cluster: "contract", user: "contract" } }],
    "current-context": "contract",
  });
}
