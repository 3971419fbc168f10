/** What Holdfast asks of a cluster's API, and what it relies on being refused: the same for the model and the real one. */
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { describeAccess } from "./access-contract.ts";
import { describeChanges } from "./change-contract.ts";
import type { ContractCluster } from "./clusters.ts";
import { describeMaking } from "./make-contract.ts";
import { describeReading } from "./read-contract.ts";
import { openStage, type Stage } from "./stage.ts";
import { describeWatching } from "./watch-contract.ts";

export type GetStage = () => Stage;

export function describeKubernetesApi(name: string, open: () => Promise<ContractCluster>): void {
  describe(`the API of ${name}`, () => {
    let cluster: ContractCluster;
    let stage: Stage;
    beforeAll(async () => {
      cluster = await open();
    }, 120_000);
    afterAll(async () => cluster?.close());
    beforeEach(async () => {
      stage = await openStage(cluster);
    });
    const getStage = () => stage;
    describeReading(getStage);
    describeWatching(getStage);
    describeMaking(getStage);
    describeChanges(getStage);
    describeAccess(getStage);
  });
}
