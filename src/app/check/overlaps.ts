/** Pools whose runners GitHub cannot tell apart, as it gives any job to any runner that has its labels. Pure. */
import type { PoolPolicy } from "../../domain/pool.ts";
import { type Finding, warning } from "./finding.ts";
import { type PoolSubject, poolPlace } from "./subject.ts";

type Named = Pick<PoolSubject, "policy" | "path">;

/** One finding for each two pools of one scope and priority, of which one offers all that the other does. */
export function judgeOverlaps(pools: readonly Named[]): readonly Finding[] {
  return pools.flatMap((wide, index) =>
    pools.flatMap((narrow, other) => {
      if (index === other || !isAlike(wide.policy, narrow.policy)) return [];
      if (!offersAll(wide.policy, narrow.policy)) return [];
      // Equal labels are told once, at the later of the two.
      if (offersAll(narrow.policy, wide.policy) && index < other) return [];
      return [describeOverlap(wide, narrow)];
    }),
  );
}

function isAlike(a: PoolPolicy, b: PoolPolicy): boolean {
  return a.connection === b.connection && a.priority === b.priority && scopeText(a) === scopeText(b);
}

function scopeText({ scope }: PoolPolicy): string {
  switch (scope.kind) {
    case "organization":
      return `organization ${scope.organization.toLowerCase()}`;
    case "enterprise":
      return `enterprise ${scope.enterprise.toLowerCase()}`;
    case "repositories":
      return `repositories ${scope.repositories
        .map((name) => name.toLowerCase())
        .sort()
        .join(" ")}`;
  }
}

function offersAll(wide: PoolPolicy, narrow: PoolPolicy): boolean {
  const offered = new Set(wide.labels.map((label) => label.toLowerCase()));
  return narrow.labels.every((label) => offered.has(label.toLowerCase()));
}

function describeOverlap(wide: Named, narrow: Named): Finding {
  const text = `it offers every label of pool ${narrow.policy.name} in the same scope: GitHub may give ${narrow.policy.name}'s jobs to its runners`;
  const mend = `Give pool ${narrow.policy.name} a label of its own and let its jobs name it, or give the two different \`priority\`.`;
  return warning(poolPlace(wide, "labels"), text, mend);
}
