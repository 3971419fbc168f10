import { it } from "vitest";
import { describeKubernetesApi } from "./contract.ts";
import { findPrograms, openRealCluster } from "./real-cluster.ts";

const found = findPrograms();

if (found.kind === "missing") it(found.why, ({ skip }) => skip(found.why));
else describeKubernetesApi("a real API server", () => openRealCluster(found.programs));
