/** The page of the reference that shows the policy which `holdfast check --iam` prints, for the pool of the EC2 guide. */
import { groupStatements } from "../src/adapters/asg/iam.ts";
import type { AsgSettings } from "../src/adapters/asg/settings.ts";
import { policyOf } from "../src/adapters/aws/iam.ts";
import { type PolicyPool, policyFor } from "../src/adapters/ec2/iam.ts";
import { parseControllerId, parsePoolName } from "../src/domain/ids.ts";

const EXAMPLE: PolicyPool = {
  pool: parsePoolName("linux"),
  settings: {
    region: "eu-central-1",
    endpoint: null,
    subnets: ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
    securityGroups: ["sg-0123456789abcdef0"],
    image: "ami-0123456789abcdef0",
    instanceTypes: ["m7i.large", "m7a.large", "m6i.large"],
    launchTemplate: null,
    market: "spot-then-on-demand",
    onDemandBase: 0,
    onDemandPercent: 0,
    spotAllocation: "price-capacity-optimized",
    onDemandAllocation: "lowest-price",
    spotMaxPrice: null,
    tenancy: "default",
    hostResourceGroup: null,
    instanceProfile: null,
    publicAddress: null,
    volume: null,
    metadataHops: 1,
    tags: {},
  },
};

const GROUP_EXAMPLE: AsgSettings = {
  region: "eu-central-1",
  group: "ci-runners",
  scaling: "holdfast",
  endpoint: null,
  autoScalingEndpoint: null,
  longestJobSeconds: 21_600,
};

const INTRODUCTION = `What Holdfast's credentials may do at AWS, for the pool of [the guide](../guide/ec2.md) and \`controllerId: ci-eu\`. Yours
differs by what your configuration names, an instance profile or a key for volumes among it: print it with
\`holdfast check --iam\`. Endings are allowed only of what carries the tag \`holdfast:controller\` with the controller's id.`;

const GROUP_INTRODUCTION = `Of a pool over the Auto Scaling group \`ci-runners\`. Nothing in it sets a machine's health or changes the
group; with \`scaling: external\` it neither sizes it nor touches the protection of its members. (Else members that lack it
are protected from scale-in; it is taken off nobody.) The instances themselves need no permission at all.`;

export function renderIamPage(): string {
  const origin =
    "<!-- Written by `npm run reference` from src/adapters/ec2/iam.ts and src/adapters/asg/iam.ts. Change it there. -->";
  const controllerId = parseControllerId("ci-eu");
  const block = (policy: object) => `\`\`\`json\n${JSON.stringify(policy, null, 2)}\n\`\`\`\n`;
  const instances = block(policyFor(controllerId, [EXAMPLE]));
  const groups = block(policyOf(groupStatements(controllerId, [GROUP_EXAMPLE])));
  return `${origin}\n\n# Permissions at AWS\n\n${INTRODUCTION}\n\n${instances}\n## Auto Scaling groups\n\n${GROUP_INTRODUCTION}\n\n${groups}`;
}
