/** What goes wrong with calls to EC2, put on them from outside. */
import type { AwsFault, AwsFaultOutcome, AwsFaultTarget } from "../aws/faults.ts";
import type { Ec2Action } from "./api.ts";
import type { Ec2ErrorCode } from "./errors.ts";

export type Ec2FaultOutcome = AwsFaultOutcome<Ec2ErrorCode>;
export type Ec2FaultTarget = AwsFaultTarget<Ec2Action>;
export type Ec2Fault = AwsFault<Ec2Action, Ec2ErrorCode>;
