/** The attributes of an instance that decide who may end or stop it. */
import { demandScope } from "./access.ts";
import type { DescribeInstanceAttributeRequest, Ec2Answer, ModifyInstanceAttributeRequest } from "./api.ts";
import { demandGiven, Ec2Refusal, endDryRun } from "./errors.ts";
import { demandInstance } from "./find.ts";
import type { Ec2State, Instance } from "./state.ts";

/** One attribute in a call, as EC2 has it. */
export function modifyInstanceAttribute(
  state: Ec2State,
  request: ModifyInstanceAttributeRequest,
  nowMs: number,
): Ec2Answer {
  const id = demandGiven(request.InstanceId, "InstanceId");
  demandScope(state, "ModifyInstanceAttribute", [id]);
  const instance = demandInstance(state, id, nowMs);
  const { DisableApiTermination, DisableApiStop } = request;
  if ((DisableApiTermination === undefined) === (DisableApiStop === undefined))
    throw new Ec2Refusal("InvalidParameterCombination", "Exactly one attribute must be specified.");
  endDryRun(request);
  if (DisableApiTermination !== undefined) instance.isTerminationProtected = DisableApiTermination.Value === true;
  if (DisableApiStop !== undefined) instance.isStopProtected = DisableApiStop.Value === true;
  return { Return: true };
}

const ATTRIBUTES: Readonly<Record<string, (instance: Instance) => Ec2Answer>> = {
  disableApiTermination: (one) => ({ DisableApiTermination: { Value: one.isTerminationProtected } }),
  disableApiStop: (one) => ({ DisableApiStop: { Value: one.isStopProtected } }),
  userData: (one) => ({ UserData: { Value: one.settings.userData } }),
  instanceInitiatedShutdownBehavior: (one) => ({
    InstanceInitiatedShutdownBehavior: { Value: one.settings.shutdownBehavior },
  }),
};

export function describeInstanceAttribute(
  state: Ec2State,
  request: DescribeInstanceAttributeRequest,
  nowMs: number,
): Ec2Answer {
  const instance = demandInstance(state, demandGiven(request.InstanceId, "InstanceId"), nowMs);
  const read = ATTRIBUTES[demandGiven(request.Attribute, "Attribute")];
  if (read === undefined)
    throw new Ec2Refusal("InvalidParameterValue", `Value (${request.Attribute}) for parameter attribute is invalid.`);
  endDryRun(request);
  return { InstanceId: instance.id, ...read(instance) };
}
