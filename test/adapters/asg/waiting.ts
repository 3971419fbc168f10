/** A member that a hook of its group holds up. */
import { endsSince, type FakeGroup, idOf, stage } from "./stage.ts";

export const DRAIN = { name: "drain", heartbeatSeconds: 1_800 };
export const SHORT = { name: "logs", heartbeatSeconds: 600 };
export const REGISTER = { name: "register", transition: "LAUNCHING", heartbeatSeconds: 300 } as const;

export const beaten = (group: FakeGroup) =>
  group.inputs("RecordLifecycleActionHeartbeat").map(({ LifecycleHookName }) => LifecycleHookName);

export async function waiting(lifecycle = "Terminating:Wait", changes: Partial<FakeGroup> = {}) {
  const made = stage();
  Object.assign(made.group, { hooks: [DRAIN, REGISTER], ...changes });
  made.group.hasReserve = true;
  const id = made.group.add(1, { lifecycle });
  made.group.activities = [endsSince(id)];
  await made.provider.list("all");
  made.group.sent.length = 0;
  return { ...made, id, hold: () => made.provider.group?.hold(idOf(1)) };
}
