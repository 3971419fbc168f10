/** What the caller may do. */
import type { Ec2Action } from "./api.ts";
import { Ec2Refusal } from "./errors.ts";
import type { Ec2State } from "./state.ts";

/** @throws {Ec2Refusal} UnauthorizedOperation where the caller has no permission for the call at all. */
export function demandPermission(state: Ec2State, action: Ec2Action): void {
  if (state.denied.has(action)) throw unauthorized(state, action, "*");
}

/**
 * Where permissions hang on a tag, every instance of the call must carry it; one that EC2 no longer knows carries none.
 * @throws {Ec2Refusal} UnauthorizedOperation for the call as a whole.
 */
export function demandScope(state: Ec2State, action: Ec2Action, instanceIds: readonly string[]): void {
  const scope = state.options.tagScope;
  if (scope === null) return;
  const outside = instanceIds.find((id) => state.known.get(id)?.tags.get(scope.key) !== scope.value);
  if (outside !== undefined) throw unauthorized(state, action, `instance/${outside}`);
}

function unauthorized({ options }: Ec2State, action: Ec2Action, resource: string): Ec2Refusal {
  const { accountId, region } = options;
  return new Ec2Refusal(
    "UnauthorizedOperation",
    `You are not authorized to perform this operation. User: arn:aws:iam::${accountId}:user/holdfast is not authorized to perform: ec2:${action} on resource: arn:aws:ec2:${region}:${accountId}:${resource} because no identity-based policy allows the ec2:${action} action.`,
  );
}
