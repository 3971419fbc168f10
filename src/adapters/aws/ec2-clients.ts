/**
 * What calls to EC2 are made by, in two tempers: calls that change something are made once, because we repeat them
 * ourselves with the same token or permit; readings are repeated by the client within their time.
 */
import type { EC2Client } from "@aws-sdk/client-ec2";

/** The official client, or what answers in its place. */
export type Ec2Sender = Pick<EC2Client, "send">;

export interface Ec2Reader {
  /** Repeats what fails in passing. */
  readonly read: Ec2Sender;
}

export interface Ec2Calls extends Ec2Reader {
  /** Never repeats a call. */
  readonly write: Ec2Sender;
}
