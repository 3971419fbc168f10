import { ApiException, CoreV1Api, Watch } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { NAMESPACE, podOf, useKubernetes } from "./simulated-kubernetes-house.ts";

const house = useKubernetes();
const WAIT_MS = 5_000;
const place = { name: "a", namespace: NAMESPACE };

const make = (name: string) => house.core.createNamespacedPod({ namespace: NAMESPACE, body: podOf(name) });
const list = (query: object = {}) => house.core.listNamespacedPod({ namespace: NAMESPACE, ...query });
const isThere = (name: string) => house.cluster.pod({ name, namespace: NAMESPACE }) !== undefined;

async function codeOf(call: Promise<unknown>): Promise<number | string> {
  try {
    await call;
  } catch (error) {
    return error instanceof ApiException ? error.code : "no answer";
  }
  return "answered";
}

interface OpenWatch {
  readonly told: string[];
  /** Settles when the watch ends. */
  readonly over: Promise<unknown>;
  /** Resolves once it was told so many things. */
  until(count: number): Promise<void>;
  abort(): void;
}

async function watchPods(query: Readonly<Record<string, string | number | boolean>> = {}): Promise<OpenWatch> {
  const told: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<unknown>();
  const before = house.cluster.openWatchCount();
  const watching = new Watch(house.config).watch(
    `/api/v1/namespaces/${NAMESPACE}/pods`,
    query,
    (type, object) => told.push(`${type} ${object.metadata?.name ?? object.reason}`),
    resolve,
  );
  await house.cluster.waitFor("the watch is open", () => house.cluster.openWatchCount() > before, WAIT_MS);
  const controller = await watching;
  const until = (count: number) => expect.poll(() => told.length, { timeout: WAIT_MS }).toBeGreaterThanOrEqual(count);
  return { told, over, until, abort: () => controller.abort() };
}

describe("the handle", () => {
  it("writes what a kubelet would, and counts the calls", async () => {
    await make("a");
    house.cluster.bindPod(place, "node-a");
    house.cluster.setPodStatus(place, { phase: "Running" });
    const pod = await house.core.readNamespacedPod(place);
    expect([pod.spec?.nodeName, pod.status?.phase]).toEqual(["node-a", "Running"]);
    expect(house.cluster.calls()).toMatchObject({ "create pods": 1, "get pods": 1 });
  });

  it("refuses pods at admission, in the webhook's words", async () => {
    house.cluster.refuseAdmission(({ metadata }) => (metadata.name === "a" ? "no such name" : null));
    const call = make("a");
    await expect(call).rejects.toThrow(/denied the request: no such name/);
    expect(await codeOf(call)).toBe(403);
    expect(await codeOf(make("b"))).toBe("answered");
  });

  it("lets an account do what it is allowed, and nothing else", async () => {
    house.cluster.allowAccount({ name: "holdfast", namespace: NAMESPACE }, [
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "create"] },
    ]);
    const token = house.cluster.issueToken({ namespace: NAMESPACE, serviceAccount: "holdfast" });
    const core = house.configWith(token).makeApiClient(CoreV1Api);
    await core.createNamespacedPod({ namespace: NAMESPACE, body: podOf("a") });
    expect(await codeOf(core.deleteNamespacedPod(place))).toBe(403);
    expect(await codeOf(core.listNamespacedPod({ namespace: "default" }))).toBe(403);
    expect(isThere("a")).toBe(true);
  });

  it("ends a token with its pod, and with its time", async () => {
    await make("a");
    const ofPod = house.cluster.issueToken({ namespace: NAMESPACE, podName: "a" });
    const short = house.cluster.issueToken({ namespace: NAMESPACE, validMs: MINUTE_MS });
    const codeWith = (token: string) => codeOf(house.configWith(token).makeApiClient(CoreV1Api).listNode());
    expect([await codeWith(ofPod), await codeWith(short)]).toEqual([403, 403]);
    house.cluster.removePod(place);
    expect([await codeWith(ofPod), await codeWith(short)]).toEqual([401, 403]);
    house.cluster.advanceClock(MINUTE_MS);
    expect(await codeWith(short)).toBe(401);
  });
});

describe("a call that goes wrong", () => {
  it.each([
    ["without an answer, after the effect", { kind: "answer-lost", effect: "done" }, "no answer", true],
    ["without an answer, before the effect", { kind: "answer-lost", effect: "none" }, "no answer", false],
    ["by a reset, after the effect", { kind: "reset", effect: "done" }, "no answer", true],
    ["in the middle of its answer", { kind: "half-answer" }, "no answer", true],
    ["with 500, after the effect", { kind: "refused", reason: "InternalError", effect: "done" }, 500, true],
    ["with 429, before the effect", { kind: "refused", reason: "TooManyRequests", effect: "none" }, 429, false],
    ["late, but well", { kind: "delay", delayMs: 5 }, "answered", true],
    ["slowly, but well", { kind: "slow-body", delayMs: 5 }, "answered", true],
  ] as const)("%s", async (_how, outcome, code, isMade) => {
    house.cluster.injectFault("create pods", outcome);
    expect(await codeOf(make("a"))).toBe(code);
    expect(isThere("a")).toBe(isMade);
    expect(await codeOf(make("b"))).toBe("answered");
  });

  it("says how long to wait", async () => {
    house.cluster.injectFault("any", {
      kind: "refused",
      reason: "TooManyRequests",
      effect: "none",
      retryAfterSeconds: 7,
    });
    const answer = await fetch(`${house.cluster.url}/api/v1/pods`, {
      headers: { authorization: `Bearer ${house.cluster.token}` },
    });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "7"]);
  });

  it("is none once the fault is taken back", async () => {
    const takeBack = house.cluster.injectFault("list pods", { kind: "reset", effect: "none" }, 9);
    expect(await codeOf(list())).toBe("no answer");
    takeBack();
    expect(await codeOf(list())).toBe("answered");
  });
});

describe("a watch cache that is behind", () => {
  it("shows lists with resourceVersion=0 what was, and all others what is", async () => {
    await make("a");
    house.cluster.setCacheLag(MINUTE_MS);
    house.cluster.advanceClock(2 * MINUTE_MS);
    await make("b");
    const names = async (query: object) => (await list(query)).items.map(({ metadata }) => metadata?.name);
    expect(await names({ resourceVersion: "0" })).toEqual(["a"]);
    expect(await names({})).toEqual(["a", "b"]);
    house.cluster.advanceClock(2 * MINUTE_MS);
    expect(await names({ resourceVersion: "0" })).toEqual(["a", "b"]);
  });
});

describe("a watch", () => {
  it("is told what is there and what happens, until it is dropped", async () => {
    await make("a");
    const watch = await watchPods();
    await make("b");
    await watch.until(2);
    expect(watch.told).toEqual(["ADDED a", "ADDED b"]);
    house.cluster.dropWatches();
    await watch.over;
    await make("c");
    expect(watch.told).toHaveLength(2);
    expect(house.cluster.openWatchCount()).toBe(0);
  });

  it("is told nothing while it is stalled, and everything after", async () => {
    const watch = await watchPods();
    house.cluster.stallWatches(10 * MINUTE_MS);
    await make("a");
    await make("b");
    expect(watch.told).toEqual([]);
    house.cluster.advanceClock(11 * MINUTE_MS);
    await watch.until(2);
    expect(watch.told).toEqual(["ADDED a", "ADDED b"]);
    watch.abort();
  });

  it("goes on after events that are never told", async () => {
    const watch = await watchPods();
    house.cluster.loseEvents(1);
    await make("a");
    await make("b");
    await watch.until(1);
    expect(watch.told).toEqual(["ADDED b"]);
    watch.abort();
  });

  it("says 410 when the history that it goes on from is forgotten", async () => {
    const { metadata } = await list();
    for (const name of ["a", "b"]) await make(name);
    house.cluster.forgetHistory();
    const watch = await watchPods({ resourceVersion: String(metadata?.resourceVersion) });
    await watch.over;
    expect(watch.told).toEqual(["ERROR Expired"]);
  });

  it("breaks in the middle", async () => {
    await make("a");
    house.cluster.injectFault("watch pods", { kind: "half-answer" });
    const watch = await watchPods();
    await watch.over;
    await make("b");
    expect(watch.told).not.toContain("ADDED b");
  });

  it("lets nothing pile up for a reader that does not read: it loses its place", async () => {
    const { metadata } = await list();
    const url = `${house.cluster.url}/api/v1/namespaces/${NAMESPACE}/pods?watch=1&resourceVersion=${metadata?.resourceVersion}`;
    const headers = { authorization: `Bearer ${house.cluster.token}` };
    const response = await fetch(url, { headers });
    const annotations = { text: "x".repeat(100_000) };
    for (let count = 0; count < 200; count += 1)
      house.cluster.plantPod({
        metadata: { name: `p${count}`, namespace: NAMESPACE, annotations },
        spec: { containers: [] },
        status: {},
      });
    house.cluster.forgetHistory();
    const text = await response.text();
    expect(text.split("\n").length).toBeLessThan(200);
    expect(text).toMatch(/"type":"ERROR".*"code":410/);
  });

  it("goes with the server, and comes back with it", async () => {
    const watch = await watchPods();
    await house.cluster.goOffline();
    await watch.over;
    expect(await codeOf(list())).toBe("no answer");
    await house.cluster.comeBack();
    expect(await codeOf(list())).toBe("answered");
  });
});

describe("the server", () => {
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${house.cluster.token}`, ...init.headers };
    const answer = await fetch(house.cluster.url + path, { ...init, headers });
    return { status: answer.status, body: (await answer.json()) as { readonly message?: string } };
  };

  it.each([
    ["a path that is none", "/api/v1/foo", {}, 404],
    ["a group that it does not serve", "/apis/nope/v1/pods", {}, 404],
    ["pods in their wrong group", `/apis/apps/v1/namespaces/${NAMESPACE}/pods`, {}, 404],
    ["a method that is none", `/api/v1/namespaces/${NAMESPACE}/pods`, { method: "PUT" }, 405],
    [
      "a body that is cut",
      `/api/v1/namespaces/${NAMESPACE}/pods`,
      { method: "POST", body: "{", headers: { "content-type": "application/json" } },
      400,
    ],
    [
      "a body that is no JSON",
      `/api/v1/namespaces/${NAMESPACE}/pods`,
      { method: "POST", body: "k8s", headers: { "content-type": "application/vnd.kubernetes.protobuf" } },
      415,
    ],
    [
      "an object of another kind",
      `/api/v1/namespaces/${NAMESPACE}/pods`,
      { method: "POST", body: '{"kind":"Service","apiVersion":"v1"}' },
      400,
    ],
  ] as const)("refuses %s", async (_what, path, init, status) => {
    const answer = await ask(path, init);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ kind: "Status", status: "Failure", code: status });
  });

  it("says which version it is of, and what it serves", async () => {
    expect((await ask("/version")).body).toMatchObject({ major: "1", minor: "34", gitVersion: "v1.34.4" });
    expect((await ask("/apis/policy/v1")).body).toMatchObject({ resources: [{ name: "poddisruptionbudgets" }] });
  });
});
