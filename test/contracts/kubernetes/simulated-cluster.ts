import { KubeConfig } from "@kubernetes/client-node";
import { startSimulatedKubernetes } from "../../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { issueCertificate } from "../../http/issue-certificate.ts";
import { type ContractCluster, kubeconfigText } from "./clusters.ts";

/** The model's, in which no kubelet runs either: it has to refuse what the real one refuses. */
export async function openSimulatedCluster(): Promise<ContractCluster> {
  const certificate = issueCertificate("kubernetes");
  const cluster = await startSimulatedKubernetes({ seed: 1, certificate, kubernetes: { hasKubelets: false } });
  const configWith = (token: string): KubeConfig => {
    const config = new KubeConfig();
    config.loadFromString(kubeconfigText({ server: cluster.url, certificatePem: certificate.certificatePem }, token));
    return config;
  };
  return {
    config: configWith(cluster.token),
    configWith,
    forgetHistory: async () => cluster.forgetHistory(),
    close: () => cluster.close(),
  };
}
