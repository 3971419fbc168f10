import { expect, it } from "vitest";
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
