/** The disruption budget, of which the API carries calls out in whatever order they come to it. */
import { expect, it } from "vitest";
import { Budget } from "../../../src/adapters/kubernetes/budget.ts";
import type { KubernetesClients } from "../../../src/adapters/kubernetes/client.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { poolName } from "../../domain/builders.ts";
import { CONTROLLER, handClock, NAMESPACE } from "./stage.ts";

/** An API that answers when it is told to, and has carried the call out by then. */
function slowApi() {
  const calls: { readonly name: string; readonly answer: () => void; readonly fail: () => void }[] = [];
  let isThere = false;
  const call = (name: string, thenThere: boolean) => async () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    calls.push({ name, answer: resolve, fail: () => reject(new Error("no answer")) });
    await promise;
    isThere = thenThere;
  };
  const policy = {
    createNamespacedPodDisruptionBudget: call("create", true),
    deleteNamespacedPodDisruptionBudget: call("delete", false),
  } as unknown as KubernetesClients["policy"];
  return { policy, calls, names: () => calls.map(({ name }) => name), isThere: () => isThere };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** It is there, and its pool has had no pod for so long that the next listing removes it. */
async function idleBudget() {
  const api = slowApi();
  const clock = handClock();
  const owner = { controllerId: CONTROLLER, pool: poolName() };
  const clients = { policy: api.policy } as KubernetesClients;
  const budget = new Budget({ clients, owner, namespace: NAMESPACE, clock, isObserving: false });
  const made = budget.ensure();
  await settled();
  api.calls[0]?.answer();
  await made;
  clock.pass(3 * MINUTE_MS);
  return { api, budget, clock };
}

it("is made anew for a launch that begins while it is being removed, once that was answered", async () => {
  const { api, budget } = await idleBudget();
  const removal = budget.keep(0);
  await settled();
  const launch = budget.ensure();
  await settled();
  expect(api.names()).toEqual(["create", "delete"]);
  api.calls[1]?.answer();
  await removal;
  await settled();
  expect(api.names()).toEqual(["create", "delete", "create"]);
  api.calls[2]?.answer();
  await launch;
  expect(api.isThere()).toBe(true);
});

it("is not removed for a listing that is older than the launch that it waited for", async () => {
  const { api, budget, clock } = await idleBudget();
  const first = budget.ensure();
  await settled();
  clock.pass(3 * MINUTE_MS);
  const removal = budget.keep(0);
  const second = budget.ensure();
  api.calls[1]?.answer();
  await settled();
  api.calls[2]?.answer();
  await Promise.all([first, removal, second]);
  expect(api.names()).not.toContain("delete");
});

it("is made for the next launch where nobody knows whether it was removed", async () => {
  const { api, budget } = await idleBudget();
  const removal = budget.keep(0);
  await settled();
  api.calls[1]?.fail();
  await removal;
  expect(budget.describe()).toHaveLength(1);
  const launch = budget.ensure();
  await settled();
  api.calls[2]?.answer();
  await launch;
  expect(api.names()).toEqual(["create", "delete", "create"]);
  expect(budget.describe()).toEqual([]);
});
