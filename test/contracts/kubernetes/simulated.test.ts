import { describeKubernetesApi } from "./contract.ts";
import { openSimulatedCluster } from "./simulated-cluster.ts";

describeKubernetesApi("the simulated cluster", openSimulatedCluster);
