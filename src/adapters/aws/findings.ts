/** What a look at EC2 found wrong, as the port has it. */
import type { CheckFinding } from "../../ports/provider.ts";
import { describeFailure, type Ec2Failure, readFailure } from "./errors.ts";

/** The pool's block; a finding about a key of it names the key behind. */
export const AT = "pools[].provider";
const POLICY_MEND = "Give the credentials the policy that `holdfast check --iam` prints.";

export async function asking(
  path: string,
  attempted: string,
  work: () => Promise<readonly CheckFinding[]>,
): Promise<readonly CheckFinding[]> {
  const outcome = await attempt(path, attempted, work);
  return outcome.failed === null ? outcome.value : [outcome.failed];
}

type Attempt<Value> =
  | { readonly failed: CheckFinding; readonly value: null }
  | { readonly failed: null; readonly value: Value };

export async function attempt<Value>(
  path: string,
  attempted: string,
  work: () => Promise<Value>,
): Promise<Attempt<Value>> {
  try {
    return { failed: null, value: await work() };
  } catch (error) {
    return { failed: findingOf(path, attempted, readFailure(error)), value: null };
  }
}

/** What may pass is a warning: it must not keep the controller from caring for the machines that are there. */
export function findingOf(path: string, attempted: string, failure: Ec2Failure): CheckFinding {
  const said = describeFailure(failure);
  switch (failure.trouble) {
    case "denied":
      return fail(path, `EC2 refused ${attempted}: ${said}.`, POLICY_MEND);
    case "throttled":
    case "unknown":
      return warn(AT, `EC2 was not to be reached: ${said}.`, "Try again; check `region`, `endpoint` and the network.");
    default:
      return fail(path, `EC2 refused ${attempted}: ${said}.`, "Correct what the message names.");
  }
}

export function fail(path: string, finding: string, mend: string): CheckFinding {
  return { severity: "error", path, finding, mend };
}

export function warn(path: string, finding: string, mend: string): CheckFinding {
  return { severity: "warning", path, finding, mend };
}
