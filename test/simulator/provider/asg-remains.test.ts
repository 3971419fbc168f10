/** What groups keep at a world's end, and how many they have room for. */
import { expect, it } from "vitest";
import type { Group, Member } from "../../../src/simulator/asg/state.ts";
import { remainsOf } from "../../../src/simulator/provider/asg-remains.ts";

/** Two are wanted of four in service. */
function groupOf(protectedCount: number): Group {
  const members = Array.from({ length: 4 }, (_, index): readonly [string, Member] => {
    const instanceId = `i-${index}`;
    return [instanceId, { instanceId, state: "InService", isProtected: index < protectedCount } as Member];
  });
  return { name: "runners", minSize: 1, desired: 2, members: new Map(members) } as unknown as Group;
}

it.each([
  [
    "whom others want, and whom they may not end though they want fewer",
    "external",
    3,
    { minimumCount: 3, roomCount: 2 },
  ],
  ["whom others want, where fewer are protected", "external", 1, { minimumCount: 2, roomCount: 2 }],
  ["its minimum, where Holdfast sizes it", "holdfast", 3, { minimumCount: 1, roomCount: Number.POSITIVE_INFINITY }],
] as const)("a group keeps %s", (_whom, scaling, protectedCount, counts) => {
  expect(remainsOf([groupOf(protectedCount)], scaling, () => 0)).toMatchObject(counts);
});
