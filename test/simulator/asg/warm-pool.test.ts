import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { setRoom } from "../../../src/simulator/ec2/control.ts";
import { A_WHILE_MS, AsgScene, DRAIN, GROUP } from "./asg-scene.ts";

const BOOT = { name: "bootstrap", transition: "launching", heartbeatTimeoutSeconds: 1_200 } as const;

describe("the warm pool", () => {
  it.each([
    ["Stopped", "Warmed:Stopped", "stopped"],
    ["Hibernated", "Warmed:Hibernated", "stopped"],
    ["Running", "Warmed:Running", "running"],
  ] as const)("lays its members down as %s", (poolState, state, phase) => {
    const scene = new AsgScene({ desired: 1, maxSize: 3, warmPool: { poolState } });
    expect(scene.states().toSorted()).toEqual(["InService", state, state]);
    const [id = ""] = scene.ids(state);
    expect(scene.phase(id)).toBe(phase);
    expect(scene.instance(id).targetLifecycleState).toBe(state);
    const isAsleep = scene.instance(id).stateReason?.code === "Client.UserInitiatedHibernate";
    expect(isAsleep).toBe(poolState === "Hibernated");
  });

  it("is as large as the group may still grow, or as it is told, and never smaller than its least", () => {
    const sizes = [
      { maxSize: 4, warmPool: {} },
      { maxSize: 4, warmPool: { maxPreparedCount: 2 } },
      { maxSize: 4, warmPool: { maxPreparedCount: 1, minSize: 2 } },
    ].map((setup) => new AsgScene({ desired: 1, ...setup }).ids("Warmed:Stopped").length);
    expect(sizes).toEqual([3, 1, 2]);
  });

  it("is drawn from before anything is launched; launch hooks hold whom it gives again", () => {
    const scene = new AsgScene({ maxSize: 2, warmPool: { poolState: "Hibernated" }, hooks: [BOOT] });
    for (const id of scene.ids("Warmed:Pending:Wait")) scene.complete(id, "CONTINUE", BOOT.name);
    scene.pass(A_WHILE_MS);
    const [drawn = ""] = scene.ids("Warmed:Hibernated");
    scene.setDesired(1);
    scene.pass(MINUTE_MS);
    expect([scene.stateOf(drawn), scene.phase(drawn)]).toEqual(["Pending:Wait", "running"]);
    expect(scene.instance(drawn).targetLifecycleState).toBe("InService");
    scene.complete(drawn, "CONTINUE", BOOT.name);
    scene.pass(5 * SECOND_MS);
    expect(scene.stateOf(drawn)).toBe("InService");
    expect(scene.group.members.size).toBe(2);
  });

  it("launches where nobody in it is ready, and waits where there is no room to start one", () => {
    const scene = new AsgScene({ maxSize: 2, warmPool: { maxPreparedCount: 1 } });
    scene.setDesired(2);
    scene.pass(A_WHILE_MS);
    expect(scene.ids()).toHaveLength(2);
    const full = new AsgScene({ maxSize: 1, warmPool: {} });
    const [warm = ""] = full.ids("Warmed:Stopped");
    const { zone } = full.instance(warm);
    setRoom(full.state.ec2, { type: "c5.xlarge", market: "on-demand", zone }, 0);
    full.setDesired(1);
    full.pass(20 * SECOND_MS);
    expect(full.stateOf(warm)).toBe("Warmed:Stopped");
  });

  it("is trimmed through the terminate hook when the group may grow less", () => {
    const scene = new AsgScene({ desired: 1, maxSize: 3, warmPool: {}, hooks: [DRAIN] });
    scene.call("UpdateAutoScalingGroup", { AutoScalingGroupName: GROUP, MaxSize: 2 });
    scene.pass(20 * SECOND_MS);
    const [id = ""] = scene.ids("Warmed:Terminating:Wait");
    expect(scene.instance(id).targetLifecycleState).toBe("Warmed:Terminated");
    scene.complete(id);
    scene.pass(A_WHILE_MS);
    expect([scene.stateOf(id), scene.ids("Warmed:Stopped").length]).toEqual([null, 1]);
  });

  it("keeps a trimmed machine by the retention policy", () => {
    const scene = new AsgScene({ desired: 1, maxSize: 2, warmPool: {}, hooks: [DRAIN], retention: "retain" });
    scene.call("UpdateAutoScalingGroup", { AutoScalingGroupName: GROUP, MaxSize: 1 });
    scene.pass(HOUR_MS);
    const [id = ""] = scene.ids("Warmed:Terminating:Retained");
    scene.terminate(id);
    expect(scene.stateOf(id)).toBe("Warmed:Terminating:Proceed");
  });

  it("takes back by scale-in only where it is told to, held by the terminate hook, and gives them away again", () => {
    const scene = new AsgScene({
      desired: 1,
      maxSize: 1,
      warmPool: { isReusedOnScaleIn: true },
      hooks: [DRAIN],
    });
    const id = scene.first;
    scene.setDesired(0);
    scene.pass(20 * SECOND_MS);
    expect([scene.stateOf(id), scene.phase(id)]).toEqual(["Warmed:Pending:Wait", "running"]);
    expect(scene.instance(id).targetLifecycleState).toBe("Warmed:Stopped");
    scene.complete(id);
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(id)).toBe("Warmed:Stopped");
    scene.setDesired(1);
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(id)).toBe("InService");
    const ending = new AsgScene({ desired: 1, maxSize: 1, warmPool: {} });
    const victim = ending.first;
    ending.setDesired(0);
    ending.pass(A_WHILE_MS);
    expect(ending.stateOf(victim)).toBeNull();
  });

  it.each([
    ["retain", "Warmed:Pending:Retained"],
    ["terminate", null],
  ] as const)("does with a return that is abandoned as the policy says: %s", (retention, state) => {
    const scene = new AsgScene({
      desired: 1,
      maxSize: 1,
      warmPool: { isReusedOnScaleIn: true },
      hooks: [DRAIN],
      retention,
    });
    const id = scene.first;
    scene.setDesired(0);
    scene.pass(20 * SECOND_MS);
    scene.complete(id, "ABANDON");
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(id)).toBe(state);
  });
});
