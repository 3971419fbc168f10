import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import type { ClusterAccess } from "../../../src/adapters/kubernetes/settings.ts";
import { openTokenReview } from "../../../src/adapters/kubernetes/token-review.ts";
import { launchOne, NAMESPACE, placeOf, useStage } from "./stage.ts";

const stage = useStage();
const AUDIENCES = ["holdfast"];

it("names the pod of a token that is meant for us", async () => {
  const { providerId } = await launchOne(stage.provider);
  const { name, uid } = placeOf(providerId);
  const token = stage.cluster.issueToken({ namespace: NAMESPACE, audiences: AUDIENCES, podName: name });
  const identity = { namespace: NAMESPACE, podName: name, podUid: uid };
  expect(await openTokenReview(stage.access, stage.clock)(token)).toEqual(identity);
});

it("does not vouch for one that is meant for the API, is of no pod, has run out, is none, or whose pod is gone", async () => {
  const { providerId } = await launchOne(stage.provider);
  const { name } = placeOf(providerId);
  const issue = (wish: object) => stage.cluster.issueToken({ namespace: NAMESPACE, podName: name, ...wish });
  const review = (token: string) => openTokenReview(stage.access, stage.clock)(token);
  expect(await review(issue({}))).toBeNull();
  expect(await review(issue({ audiences: AUDIENCES, podName: null }))).toBeNull();
  expect(await review(issue({ audiences: AUDIENCES, validMs: 0 }))).toBeNull();
  expect(await review("nonsense")).toBeNull();
  const token = issue({ audiences: AUDIENCES });
  stage.cluster.removePod(placeOf(providerId));
  expect(await review(token)).toBeNull();
});

it("says that nobody could say, where the cluster does not answer", async () => {
  stage.cluster.injectFault("create tokenreviews", { kind: "refused", reason: "InternalError", effect: "none" });
  await expect(openTokenReview(stage.access, stage.clock)("token")).rejects.toMatchObject({
    code: "provider-unavailable",
  });
  const message = 'tokenreviews is forbidden: User "x" cannot create resource "tokenreviews"';
  stage.cluster.injectFault("create tokenreviews", { kind: "refused", reason: "Forbidden", effect: "none", message });
  await expect(openTokenReview(stage.access, stage.clock)("token")).rejects.toMatchObject({ code: "provider-invalid" });
});

it("does not believe a cluster that knows no audiences: its word would be of any token", async () => {
  const extra = {
    "authentication.kubernetes.io/pod-name": ["m-00000001"],
    "authentication.kubernetes.io/pod-uid": ["0a1b2c3d-0000-4000-8000-000000000001"],
  };
  const user = { username: `system:serviceaccount:${NAMESPACE}:default`, extra };
  const review = async (audiences: object): Promise<unknown> => {
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ status: { authenticated: true, user, ...audiences } }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const access = { ...stage.access, kind: "token", server: `http://127.0.0.1:${port}` } as ClusterAccess;
      return await openTokenReview(access, stage.clock)("token");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };
  expect(await review({ audiences: ["holdfast"] })).toMatchObject({ podName: "m-00000001" });
  expect(await review({})).toBeNull();
});
