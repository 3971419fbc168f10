import { expect, it } from "vitest";
import { launchOne, placeOf, useStage } from "./stage.ts";

const stage = useStage();

it("reads the runner's container, and the one before it where that has written nothing", async () => {
  const { providerId } = await launchOne(stage.provider);
  const place = placeOf(providerId);
  stage.cluster.setLog(place, "holdfast-agent", "holdfast: its hash is 1, not 2\n");
  expect(await stage.provider.consoles?.readConsole(providerId)).toEqual(["holdfast: its hash is 1, not 2"]);
  stage.cluster.setLog(place, "runner", Array.from({ length: 300 }, (_, index) => `line ${index}`).join("\n"));
  const lines = await stage.provider.consoles?.readConsole(providerId);
  expect(lines).toHaveLength(200);
  expect(lines?.at(-1)).toBe("line 299");
});

it("has none of a pod that wrote nothing, and of one that is gone", async () => {
  const { providerId } = await launchOne(stage.provider);
  expect(await stage.provider.consoles?.readConsole(providerId)).toBeNull();
  stage.cluster.removePod(placeOf(providerId));
  expect(await stage.provider.consoles?.readConsole(providerId)).toBeNull();
});

it("says so where it cannot be read", async () => {
  const { providerId } = await launchOne(stage.provider);
  stage.cluster.injectFault("get pods/log", { kind: "refused", reason: "InternalError", effect: "none" });
  await expect(stage.provider.consoles?.readConsole(providerId)).rejects.toMatchObject({
    code: "provider-unavailable",
  });
});
