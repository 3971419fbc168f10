/** What a pool of kind `asg` demands and refuses beyond the form of its keys. */
import type { Draft, DraftPool } from "./draft.ts";
import { noteOf } from "./key.ts";
import type { ProblemList } from "./problems.ts";
import { ASG_REQUIRED, ASG_SHAPE } from "./schema-asg.ts";
import { EC2_SHAPE } from "./schema-ec2.ts";

type Keys = Readonly<Record<string, unknown>>;

const SHAPE = { ...EC2_SHAPE, ...ASG_SHAPE };

export function checkAsg(path: string, { runner, warm }: DraftPool, provider: Keys, problems: ProblemList): void {
  const at = `${path}.provider`;
  for (const key of ASG_REQUIRED)
    if (provider[key] === undefined)
      problems.add(`${at}.${key}`, "is missing", `as in \`${noteOf(SHAPE[key])?.example}\``);
  if (runner?.directory !== undefined && !runner.directory.startsWith("/"))
    problems.add(
      `${path}.runner.directory`,
      "is a folder of the machine's own, so it begins with `/`",
      "as in `directory: /opt/actions-runner`",
    );
  if (runner?.download !== undefined)
    problems.add(`${path}.runner.download`, "is for `kind: ec2`", "remove it: the runner is in the group's image");
  if (provider.scaling !== "external") return;
  const problem = "asks for machines that nobody here starts: the group is sized by others";
  const mend = "remove it, or use `provider.scaling: holdfast`";
  for (const key of ["parked", "registered"] as const)
    if ((warm?.[key] ?? 0) > 0) problems.add(`${path}.warm.${key}`, problem, mend);
}

/** One group belongs to one pool: two would size it against each other, and call each other's machines their own. */
export function checkGroups(path: string, pools: Draft["pools"], problems: ProblemList): void {
  const seen = new Map<string, number>();
  for (const [index, pool] of (pools ?? []).entries()) {
    const { kind, region, group } = pool?.provider ?? {};
    if (kind !== "asg" || typeof region !== "string" || typeof group !== "string") continue;
    const place = `${region} ${group}`;
    const first = seen.get(place);
    if (first === undefined) seen.set(place, index);
    else
      problems.add(
        `${path}[${index}].provider.group`,
        `is the group of ${path}[${first}] too`,
        "give each pool a group of its own",
      );
  }
}
