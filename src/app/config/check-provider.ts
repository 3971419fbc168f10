/** What each kind of provider demands and refuses among the keys of its block. */

import { checkAsg } from "./check-asg.ts";
import { checkKubernetes } from "./check-kubernetes.ts";
import type { DraftPool } from "./draft.ts";
import { noteOf, RESERVED } from "./key.ts";
import type { ProblemList } from "./problems.ts";
import { ASG_SHAPE } from "./schema-asg.ts";
import { EC2_IMAGE, EC2_REQUIRED, EC2_SHAPE } from "./schema-ec2.ts";
import { KUBERNETES_SHAPE } from "./schema-kubernetes.ts";
import { PROVIDER_KINDS } from "./schema-pools.ts";

/** What one fleet request takes, by EC2's reference. */
const OVERRIDE_COUNT_MAX = 300;

export function checkProvider(path: string, pool: DraftPool, problems: ProblemList): void {
  const { provider } = pool;
  if (provider === undefined) return;
  refuseOthers(`${path}.provider`, provider, problems);
  demandRunner(path, pool, problems);
  if (provider.kind === "process") checkProcess(path, pool, provider, problems);
  if (provider.kind === "kubernetes") checkKubernetes(path, pool, provider, problems);
  if (provider.kind === "asg") checkAsg(path, pool, provider, problems);
  if (provider.kind === "ec2") checkEc2(path, pool, provider, problems);
}

type Keys = Readonly<Record<string, unknown>>;

const SHAPES: Readonly<Record<string, object>> = { ec2: EC2_SHAPE, asg: ASG_SHAPE, kubernetes: KUBERNETES_SHAPE };
/** Whose keys another kind has too. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  image: ["ec2", "kubernetes"],
  region: ["ec2", "asg"],
  identityCertificateFile: ["ec2", "asg"],
  endpoint: ["ec2", "asg"],
  longestJob: ["asg", "kubernetes"],
};

/** Keys of the kinds that this pool is not of. */
function refuseOthers(at: string, provider: Keys, problems: ProblemList): void {
  if (!PROVIDER_KINDS.some((kind) => kind === provider.kind)) return;
  for (const [kind, shape] of Object.entries(SHAPES)) {
    if (kind === provider.kind) continue;
    for (const key of Object.keys(shape)) {
      if (provider[key] === undefined || SHARED[key]?.includes(String(provider.kind)) === true) continue;
      problems.add(`${at}.${key}`, `is for \`kind: ${kind}\``, `remove it, or use \`kind: ${kind}\``);
    }
  }
  if (provider.workDirectory !== undefined && provider.kind !== "process")
    problems.add(`${at}.workDirectory`, "is for `kind: process`", WITHOUT_FOLDER[String(provider.kind)] ?? "remove it");
}

const WITHOUT_FOLDER: Readonly<Record<string, string>> = {
  ec2: "remove it: an instance has a disk of its own",
  asg: "remove it: an instance has a disk of its own",
  kubernetes: "remove it: a pod has a volume of its own",
};

/** Only GitHub's own image has a place for it. */
function demandRunner(path: string, { runner, provider }: DraftPool, problems: ProblemList): void {
  if (runner?.directory !== undefined || provider?.kind === "kubernetes") return;
  const [at, example] =
    runner === undefined
      ? ["runner", "runner: { directory: /opt/runner }"]
      : ["runner.directory", "directory: /opt/runner"];
  problems.add(`${path}.${at}`, "is missing", `as in \`${example}\``);
}

function checkProcess(path: string, { runner }: DraftPool, provider: Keys, problems: ProblemList): void {
  if (provider.workDirectory === undefined)
    problems.add(`${path}.provider.workDirectory`, "is missing", "as in `workDirectory: ./machines`");
  if (runner?.user !== undefined) problems.add(`${path}.runner.user`, RESERVED, "remove it");
  if (runner?.download !== undefined)
    problems.add(`${path}.runner.download`, "is for `kind: ec2`", "remove it, and unpack the runner in `directory`");
}

function checkEc2(path: string, { runner }: DraftPool, provider: Keys, problems: ProblemList): void {
  const at = `${path}.provider`;
  const { image } = provider;
  if (typeof image === "string" && image !== "" && !EC2_IMAGE.test(image))
    problems.add(
      `${at}.image`,
      "must be an image's id, or `resolve:ssm:` and the name of a parameter that holds one",
      "as in `image: ami-0123456789abcdef0`",
    );
  for (const key of EC2_REQUIRED)
    if (provider[key] === undefined)
      problems.add(`${at}.${key}`, "is missing", `as in \`${noteOf(EC2_SHAPE[key])?.example}\``);
  if (provider.launchTemplate === undefined) {
    const without = "is missing, and there is no launch template that could name";
    if (provider.image === undefined)
      problems.add(`${at}.image`, `${without} one`, "as in `image: ami-0123456789abcdef0`");
    if (lengthOf(provider.securityGroups) === 0)
      problems.add(`${at}.securityGroups`, `${without} some`, "as in `securityGroups: [sg-0123456789abcdef0]`");
  }
  if (runner?.directory !== undefined && !runner.directory.startsWith("/"))
    problems.add(
      `${path}.runner.directory`,
      "is a folder of the machine's own, so it begins with `/`",
      "as in `directory: /opt/actions-runner`",
    );
  checkMarket(at, provider, problems);
  checkVolume(at, provider, problems);
  const overrideCount = lengthOf(provider.subnets) * lengthOf(provider.instanceTypes);
  if (overrideCount > OVERRIDE_COUNT_MAX)
    problems.add(
      `${at}.instanceTypes`,
      `make with the subnets ${overrideCount} places to choose from, and EC2 takes ${OVERRIDE_COUNT_MAX}`,
      "name fewer types or subnets",
    );
}

function checkMarket(at: string, provider: Keys, problems: ProblemList): void {
  const { market, tenancy, hostResourceGroup, spotMaxPrice } = provider;
  const isOnDemand = market === "on-demand";
  if (tenancy === "host") {
    if (!isOnDemand) problems.add(`${at}.market`, "Dedicated Hosts have no spot machines", "write `market: on-demand`");
    if (lengthOf(provider.instanceTypes) > 1)
      problems.add(`${at}.instanceTypes`, "a Dedicated Host has machines of one type", "name one, or make more pools");
  } else if (hostResourceGroup !== undefined)
    problems.add(`${at}.hostResourceGroup`, "is for `tenancy: host`", "remove it, or write `tenancy: host`");
  if (!isOnDemand) return;
  const mend = "remove it, or use another `market`";
  for (const key of ["onDemandBase", "onDemandPercent"] as const)
    if (provider[key] !== undefined && provider[key] !== 0)
      problems.add(`${at}.${key}`, "says nothing with `market: on-demand`: all are", mend);
  if (spotMaxPrice !== undefined)
    problems.add(`${at}.spotMaxPrice`, "says nothing with `market: on-demand`: none is spot", mend);
}

function checkVolume(at: string, { volume }: Keys, problems: ProblemList): void {
  if (typeof volume !== "object" || volume === null) return;
  const { type = "gp3", iops, throughputMib } = volume as Keys;
  if (throughputMib !== undefined && type !== "gp3")
    problems.add(`${at}.volume.throughputMib`, "is for `type: gp3`", "remove it, or use gp3");
  if (iops !== undefined && type === "gp2")
    problems.add(`${at}.volume.iops`, "is not for `type: gp2`", "remove it, or use gp3");
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
