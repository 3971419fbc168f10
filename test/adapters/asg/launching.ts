/** Launches of a test, and a group that does what it is told. */
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import type { LaunchRequest } from "../../../src/ports/provider.ts";
import { START_MS } from "../../domain/builders.ts";
import { type FakeGroup, idOf } from "./stage.ts";

/** As the controllers do it: drafted, and stored before it is carried out. */
export async function drafted(provider: AsgProvider, request: LaunchRequest): Promise<LaunchRequest> {
  if (provider.orders === null) throw new Error("it is we who size this group");
  return { ...request, order: await provider.orders.draft(request) };
}

export const countOf = (request: LaunchRequest): number => JSON.parse(request.order ?? "{}").count;
/** What the desired capacity was set to, call by call. */
export const asked = (group: FakeGroup) => group.inputs("SetDesiredCapacity").map((input) => input.DesiredCapacity);
export const boundIds = (launched: readonly { readonly providerId: string }[]) =>
  launched.map(({ providerId }) => providerId);

/** As the group does it, as soon as it is told: it launches what is missing. */
export function launching(group: FakeGroup, firstNumber: number): void {
  group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
    if (group.size === null) return {};
    group.size.desired = DesiredCapacity;
    for (let number = firstNumber; group.members.size < DesiredCapacity; number += 1)
      if (!group.members.has(idOf(number))) group.add(number, { lifecycle: "Pending", launchedAtMs: START_MS });
    return {};
  };
}
