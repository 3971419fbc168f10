/** What a pool makes of spot machines that EC2 takes back: over HTTP, from the first launch to the next order. */
import { expect, it, onTestFinished } from "vitest";
import { readOrder } from "../../../src/adapters/ec2/order.ts";
import { startSimulatedEc2 } from "../../../src/simulator/server/ec2/simulated-ec2.ts";
import { draftAndLaunch, drafted, handClock, newLaunch, openProvider, optionsAt, settingsAt } from "./stage.ts";

const NO_LAG = [0, 0] as const;
const LAGS = { freshIdMs: NO_LAG, listingMs: NO_LAG, stateMs: NO_LAG, launchTemplateMs: NO_LAG };

it("asks elsewhere for the next ones, and says why", async () => {
  const ec2 = await startSimulatedEc2({ seed: 1, ec2: { lags: LAGS, rates: null, ignoredEndingShare: 0 } });
  onTestFinished(() => ec2.close());
  const { region, subnets, securityGroups, images } = ec2.options;
  const [subnet] = subnets;
  const place = {
    subnets: [subnet?.id ?? ""],
    securityGroups: securityGroups.slice(0, 1).map(({ id }) => id),
    image: images.find(({ architecture }) => architecture === "x86_64")?.id ?? "",
  };
  const clock = handClock(Date.now());
  const settings = settingsAt(ec2.endpoint, place, { region, instanceTypes: ["c5.xlarge", "m5.xlarge"] });
  const provider = openProvider(optionsAt(settings, clock));
  const typesOfNext = async () => {
    const { order } = await drafted(provider, newLaunch(1));
    return readOrder(order ?? "").places.map(({ instanceType }) => instanceType);
  };
  expect(await typesOfNext()).toEqual(["c5.xlarge", "m5.xlarge"]);
  const launched = await draftAndLaunch(provider, newLaunch(4));
  const [taken] = ec2.instances().map(({ type }) => type);
  for (const { providerId } of launched) expect(ec2.interrupt(providerId, 0)).toBe(true);
  await provider.list("all");
  const again = `${taken} in ${subnet?.zone} on spot`;
  expect(provider.orders?.readObstacles()).toEqual([
    expect.stringContaining(`${again} rests until`),
    `${again} comes last: EC2 took back about 4 of 4 machines there lately`,
  ]);
  clock.pass(60 * 60_000);
  expect(provider.orders?.readObstacles()).toEqual([expect.stringContaining("comes last")]);
  expect(await typesOfNext()).toEqual(["c5.xlarge", "m5.xlarge"].filter((type) => type !== taken));
});
