/** Whom a group ends because we lowered its number, by the judge of the world of groups. */
import { beforeEach, describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { NO_ABILITIES } from "../../../src/ports/provider.ts";
import type { CallGroup } from "../../../src/simulator/provider/group-port.ts";
import { PLAIN_GROUP } from "../../../src/simulator/scenario/group-plan.ts";
import { pool, poolName } from "../../domain/builders.ts";
import { makeScene, type ProviderScene } from "./provider-scene.ts";

const LOWERED = { by: "controller", proof: "desired-capacity-lowered" };

let scene: ProviderScene;
let call: CallGroup;

/** Three members that nobody protects, of a group that ends whom it ends at once. */
beforeEach(async () => {
  scene = makeScene("asg", [], 1, {
    pools: [pool({ machineCountMax: 6 })],
    group: { ...PLAIN_GROUP, isProtected: false, heartbeatTimeoutMs: null },
    makeGroupPort: (asker) => {
      call = asker.call;
      const none = async () => [];
      const verbs = {
        launch: none,
        list: none,
        check: none,
        terminate: async () => {},
        readRunnerVersion: async () => null,
      };
      return { ...verbs, ...NO_ABILITIES };
    },
  });
  await set(3);
});

async function set(count: number): Promise<void> {
  const request = { AutoScalingGroupName: `runners-${poolName()}`, DesiredCapacity: count, HonorCooldown: false };
  expect(await call("autoscaling", "SetDesiredCapacity", request)).toMatchObject({ kind: "answered" });
  await scene.pass(10 * MINUTE_MS);
}

/** The group finds it unfit, and ends it. */
async function condemn(id: string): Promise<void> {
  await call("autoscaling", "SetInstanceHealth", {
    InstanceId: id,
    HealthStatus: "Unhealthy",
    ShouldRespectGracePeriod: false,
  });
  await scene.pass(10 * MINUTE_MS);
}

const causes = () => scene.started.map((id) => scene.hostOf(id).endedBy);
const living = () => scene.started.filter((id) => scene.hostOf(id).endedBy === null);

describe("members of a group whose desired capacity we lowered", () => {
  it("are ended by us where the group ends them for it", async () => {
    await set(1);
    expect(causes().filter((cause) => cause !== null)).toEqual([LOWERED, LOWERED]);
  });

  it("are so until it is back where it was: raised by less, it is not", async () => {
    await set(1);
    await set(2);
    const [id = ""] = living();
    await condemn(id);
    expect(scene.hostOf(id).endedBy).toEqual(LOWERED);
  });

  it("are the group's own again after that", async () => {
    await set(1);
    await set(3);
    const [id = ""] = living();
    await condemn(id);
    expect(scene.hostOf(id).endedBy).toMatchObject({ by: expect.not.stringMatching(/^controller$/) });
  });
});
