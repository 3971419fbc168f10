import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { A_WHILE_MS, AsgScene, DRAIN, GROUP, type SceneSetup } from "./asg-scene.ts";

const NO_ACTION = /^ValidationError: No active Lifecycle Action found with instance ID i-/;

/** A member that waits at the terminate hook. */
function waiting(setup: SceneSetup = {}) {
  const scene = new AsgScene({ desired: 1, hooks: [DRAIN], ...setup });
  const id = scene.first;
  scene.waiting(id);
  return { scene, id };
}

describe("a terminate hook", () => {
  it("holds a member until CONTINUE, and its instance runs on until then", () => {
    const { scene, id } = waiting();
    expect(scene.phase(id)).toBe("running");
    expect(scene.instance(id).targetLifecycleState).toBe("Terminated");
    scene.complete(id);
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
    expect(scene.phase(id)).toBe("shutting-down");
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(id)).toBeNull();
  });

  it("is not waited for by a group that has none", () => {
    const scene = new AsgScene({ desired: 1 });
    const id = scene.first;
    scene.terminate(id);
    scene.pass(2 * SECOND_MS);
    expect([scene.stateOf(id), scene.phase(id)]).toEqual(["Terminating", "shutting-down"]);
  });

  it("runs out after its heartbeat timeout; a heartbeat gives it that long again, from then on", () => {
    const { scene, id } = waiting();
    scene.pass(20 * MINUTE_MS);
    scene.heartbeat(id);
    scene.pass(29 * MINUTE_MS);
    expect(scene.stateOf(id)).toBe("Terminating:Wait");
    scene.pass(2 * MINUTE_MS);
    expect(scene.phase(id)).not.toBe("running");
  });

  it.each([
    ["48 hours for a long timeout", 1_800, 48 * HOUR_MS],
    ["a hundred times a short timeout", 30, 3_000 * SECOND_MS],
  ])("ends after %s, however often it is heard", (_, heartbeatTimeoutSeconds, globalMs) => {
    const { scene, id } = waiting({ hooks: [{ ...DRAIN, heartbeatTimeoutSeconds }] });
    const sinceMs = scene.member(id).sinceMs;
    const stepMs = (heartbeatTimeoutSeconds / 2) * SECOND_MS;
    while (scene.nowMs + stepMs < sinceMs + globalMs) {
      scene.pass(stepMs);
      scene.heartbeat(id);
    }
    expect(scene.stateOf(id)).toBe("Terminating:Wait");
    scene.pass(sinceMs + globalMs - scene.nowMs);
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
  });

  it("waits for the other hooks after CONTINUE of one, and for none after ABANDON", () => {
    const hooks = [DRAIN, { ...DRAIN, name: "second" }];
    const { scene, id } = waiting({ hooks });
    scene.complete(id);
    expect(scene.stateOf(id)).toBe("Terminating:Wait");
    expect(scene.refusal("RecordLifecycleActionHeartbeat", scene.action(id))).toMatch(NO_ACTION);
    scene.complete(id, "CONTINUE", "second");
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
    const other = waiting({ hooks });
    other.scene.complete(other.id, "ABANDON");
    expect(other.scene.stateOf(other.id)).toBe("Terminating:Proceed");
    expect(other.scene.refusal("RecordLifecycleActionHeartbeat", other.scene.action(other.id, "second"))).toMatch(
      NO_ACTION,
    );
  });

  it("has a deadline of its own: one that runs out with CONTINUE leaves the others waiting", () => {
    const short = { name: "short", heartbeatTimeoutSeconds: 60, defaultResult: "CONTINUE" } as const;
    const { scene, id } = waiting({ hooks: [short, DRAIN] });
    scene.pass(2 * MINUTE_MS);
    expect(scene.stateOf(id)).toBe("Terminating:Wait");
    expect(scene.member(id).actions.map(({ hook }) => hook.name)).toEqual([DRAIN.name]);
  });

  it("is spoken to by its token as well, and not by another's", () => {
    const { scene, id } = waiting();
    const token = scene.member(id).actions[0]?.token ?? "";
    const named = { AutoScalingGroupName: GROUP, LifecycleHookName: DRAIN.name };
    const wrong = { ...named, LifecycleActionToken: "00000000-0000-0000-0000-000000000000" };
    expect(scene.refusal("RecordLifecycleActionHeartbeat", wrong)).toMatch(
      /No active Lifecycle Action found with token/,
    );
    scene.call("CompleteLifecycleAction", { ...named, LifecycleActionToken: token, LifecycleActionResult: "CONTINUE" });
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
  });

  it("knows no action that is over, none that never was, and no hook that there is not", () => {
    const { scene, id } = waiting();
    scene.complete(id);
    const word = { ...scene.action(id), LifecycleActionResult: "CONTINUE" };
    expect(scene.refusal("CompleteLifecycleAction", word)).toMatch(NO_ACTION);
    expect(scene.refusal("RecordLifecycleActionHeartbeat", scene.action(id, "other"))).toMatch(
      /No Lifecycle Hook found/,
    );
  });

  it("goes on waiting although its instance is gone", () => {
    const { scene, id } = waiting();
    scene.instance(id).phase = { kind: "terminated", sinceMs: scene.nowMs };
    scene.pass(MINUTE_MS);
    expect(scene.stateOf(id)).toBe("Terminating:Wait");
    scene.complete(id);
    scene.pass(MINUTE_MS);
    expect(scene.stateOf(id)).toBeNull();
  });

  it("takes a timeout between 30 s and two hours", () => {
    const { scene } = waiting();
    const hook = {
      AutoScalingGroupName: GROUP,
      LifecycleHookName: "new",
      LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
    };
    for (const HeartbeatTimeout of [29, 7_201])
      expect(scene.refusal("PutLifecycleHook", { ...hook, HeartbeatTimeout })).toMatch(/between 30 and 7200/);
    expect(scene.refusal("PutLifecycleHook", hook)).toBeNull();
    const { LifecycleHooks } = scene.call("DescribeLifecycleHooks", { AutoScalingGroupName: GROUP });
    expect(LifecycleHooks[1]).toMatchObject({
      HeartbeatTimeout: 3_600,
      GlobalTimeout: 172_800,
      DefaultResult: "ABANDON",
    });
  });

  it("lets go whom it holds when it is deleted", () => {
    const { scene, id } = waiting();
    scene.call("DeleteLifecycleHook", { AutoScalingGroupName: GROUP, LifecycleHookName: DRAIN.name });
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
  });
});

describe("the retention policy", () => {
  const RETAINING = { retention: "retain" } as const;

  it.each<[string, (scene: AsgScene, id: string) => void]>([
    ["ABANDON", (scene, id) => scene.complete(id, "ABANDON")],
    ["a missed heartbeat", (scene) => scene.pass(31 * MINUTE_MS)],
    [
      "the global timeout",
      (scene, id) => {
        for (let hours = 0; hours < 49 && scene.member(id).actions.length > 0; hours += 0.25) {
          scene.heartbeat(id);
          scene.pass(HOUR_MS / 4);
        }
      },
    ],
  ])("keeps the machine after %s, beside the desired capacity, until it is ended by a call", (_, end) => {
    const { scene, id } = waiting(RETAINING);
    end(scene, id);
    scene.pass(A_WHILE_MS);
    expect([scene.stateOf(id), scene.phase(id)]).toEqual(["Terminating:Retained", "running"]);
    expect(scene.ids()).toHaveLength(1);
    scene.terminate(id);
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(id)).toBeNull();
    expect(scene.group.desired).toBe(1);
  });

  it("does not keep it after CONTINUE", () => {
    const { scene, id } = waiting(RETAINING);
    scene.complete(id);
    expect(scene.stateOf(id)).toBe("Terminating:Proceed");
  });

  it("forgets a kept machine that EC2 has ended", () => {
    const { scene, id } = waiting(RETAINING);
    scene.complete(id, "ABANDON");
    scene.instance(id).phase = { kind: "terminated", sinceMs: scene.nowMs };
    scene.pass(MINUTE_MS);
    expect(scene.stateOf(id)).toBeNull();
  });
});
