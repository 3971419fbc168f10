/** Members of a group that we size are protected: no number that anybody sets ends one of them. */
import { expect, it } from "vitest";
import { TAG } from "../../../src/adapters/aws/tags.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { GROUP, idOf, OWNER, PLAIN, stage } from "./stage.ts";

const askedFor = (group: ReturnType<typeof stage>["group"]) =>
  group.inputs("SetInstanceProtection").map(({ InstanceIds }) => InstanceIds as readonly string[]);

it("protects whoever serves without it, in one call, and nobody twice", async () => {
  const { group, provider } = stage();
  group.add(1, { isProtected: false });
  group.add(2, { isProtected: true });
  group.add(3, { isProtected: false });
  await provider.list("all");
  expect(group.inputs("SetInstanceProtection")).toEqual([
    { AutoScalingGroupName: GROUP, InstanceIds: [idOf(1), idOf(3)], ProtectedFromScaleIn: true },
  ]);
  await provider.list("all");
  expect(askedFor(group)).toHaveLength(1);
  // Somebody took it off.
  const member = group.members.get(idOf(2));
  if (member !== undefined) member.isProtected = false;
  await provider.list("all");
  expect(askedFor(group).at(-1)).toEqual([idOf(2)]);
});

it.each(["Pending", "Pending:Wait", "Terminating", "Terminating:Wait", "Warmed:Running", "Standby", "Detaching"])(
  "leaves who does not serve: %s",
  async (lifecycle) => {
    const { group, provider } = stage();
    group.hasReserve = true;
    group.add(1, { lifecycle, isProtected: false });
    await provider.list("all");
    expect(askedFor(group)).toEqual([]);
  },
);

it.each([
  ["others size", stage({ scaling: "external" })],
  ["it only observes", stage({}, { isObserving: true })],
  ["was left", stage({}, { isLeft: true })],
])("protects nobody of a group that %s", async (_which, { group, provider }) => {
  const tags = { [TAG.controller]: OWNER.controllerId, [TAG.pool]: OWNER.pool };
  group.add(1, { isProtected: false, tags });
  expect(await provider.list("all")).toHaveLength(1);
  expect(askedFor(group)).toEqual([]);
});

it("asks for so many at a time, and goes on with the rest at the next listing", async () => {
  const { group, provider } = stage();
  for (let number = 1; number <= 230; number += 1) group.add(number, { isProtected: false });
  await provider.list("all");
  expect(askedFor(group).map(({ length }) => length)).toEqual([50, 50, 50, 50]);
  await provider.list("all");
  expect(askedFor(group).map(({ length }) => length)).toEqual([50, 50, 50, 50, 30]);
  expect([...group.members.values()].every(({ isProtected }) => isProtected)).toBe(true);
});

it("asks again without those that serve no more by now, which fail it for all", async () => {
  const { group, provider } = stage();
  for (let number = 1; number <= 5; number += 1) group.add(number, { isProtected: false });
  const ended = new Set<string>([idOf(2), idOf(4)]);
  group.answers.SetInstanceProtection = ({ InstanceIds }) => {
    const wrong = InstanceIds.find((id: string) => ended.has(id));
    const text = `The instance ${wrong} is not in InService or EnteringStandby or Standby.`;
    if (wrong !== undefined) return throwing("ValidationError", text)(undefined, 0);
    return {};
  };
  await provider.list("all");
  expect(askedFor(group).at(-1)).toEqual([idOf(1), idOf(3), idOf(5)]);
  expect(askedFor(group)).toHaveLength(3);
});

it("protects the others first where many have ended that a listing still shows", async () => {
  const { group, provider } = stage();
  for (let number = 1; number <= 6; number += 1) group.add(number, { isProtected: false });
  const ended = new Set<string>([1, 2, 3, 4, 5].map((number) => idOf(number)));
  group.answers.SetInstanceProtection = (input) => {
    const wrong = input.InstanceIds.find((id: string) => ended.has(id));
    if (wrong === undefined) return PLAIN.SetInstanceProtection?.(group)(input, 0);
    return throwing("ValidationError", `The instance ${wrong} is not part of Auto Scaling group ${GROUP}.`)(input, 0);
  };
  await provider.list("all");
  expect(group.members.get(idOf(6))?.isProtected).toBe(false);
  await provider.list("all");
  expect(askedFor(group).slice(4, 6)).toEqual([[idOf(5), idOf(6)], [idOf(6)]]);
  expect(group.members.get(idOf(6))?.isProtected).toBe(true);
});

it.each([
  ["Throttling", 2],
  ["ResourceContention", 2],
  ["AccessDenied", 1],
] as const)("lists whom it could not protect all the same, and does not ask again at once: %s", async (code, next) => {
  const { group, provider, clock } = stage();
  group.add(1, { isProtected: false });
  group.answers.SetInstanceProtection = throwing(code);
  expect((await provider.list("all")).map(({ state }) => state)).toEqual(["running"]);
  expect(askedFor(group)).toHaveLength(1);
  await provider.list("all");
  expect(askedFor(group)).toHaveLength(next);
  clock.pass(10 * MINUTE_MS);
  await provider.list("all");
  expect(askedFor(group)).toHaveLength(next + 1);
});
