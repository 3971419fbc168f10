/**
 * The keys of `pools[].provider` that are for `kind: asg` alone. Those that it has in common with `ec2` and `kubernetes` are
 * in their files; what each kind demands and refuses is in `check-provider.ts`.
 */
import * as z from "zod";
import { SCALINGS } from "../../adapters/asg/settings.ts";
import { key, matchedText, urlText } from "./key.ts";

export const ASG_SHAPE = {
  group: key(
    matchedText(
      /^[^:\s](?:[^:]{0,253}[^:\s])?$/,
      "must be the name of an Auto Scaling group, without a colon",
    ).optional(),
    {
      says: "`asg`: the Auto Scaling group, by its name. What its machines are made of is its launch template's business. Required.",
      example: "group: ci-runners",
      defaultText: "**required** for `asg`",
    },
  ),
  scaling: key(z.enum(SCALINGS).optional(), {
    says: "`asg`: who decides how many machines the group has. `holdfast`: demand raises its desired capacity, within the group's own minimum and maximum. `external`: others do, and Holdfast starts none and ends none for want of jobs.",
    example: "scaling: external",
    defaultText: "`holdfast`",
  }),
  autoScalingEndpoint: key(urlText().optional(), {
    says: "`asg`: another address of the Auto Scaling API, such as a VPC endpoint of your own.",
    example: "autoScalingEndpoint: https://vpce-0123-abcd.autoscaling.eu-central-1.vpce.amazonaws.com",
    defaultText: "the region's own",
  }),
};

/** Those without which there is no pool. */
export const ASG_REQUIRED = ["region", "group", "identityCertificateFile"] as const;
