import { describe, expect, it } from "vitest";
import { describeAll, describeByIds } from "../../../src/adapters/aws/describe.ts";
import { parseControllerId } from "../../../src/domain/ids.ts";
import { poolName } from "../../domain/builders.ts";
import { type Answer, ec2Error, fakeEc2, throwing } from "../ec2/fake-client.ts";

const OWNER = { controllerId: parseControllerId("ci-test"), pool: poolName() };
const idOf = (number: number) => `i-${String(number).padStart(8, "0")}`;
const page = (ids: readonly string[], NextToken?: string) => ({
  Reservations: ids.map((InstanceId) => ({ Instances: [{ InstanceId }] })),
  NextToken,
});

describe("a listing", () => {
  it("is read to its last page, each instance once", async () => {
    const ec2 = fakeEc2({
      DescribeInstances: ({ NextToken }) =>
        NextToken === undefined ? page([idOf(1), idOf(2)], "more") : page([idOf(2), idOf(3)]),
    });
    const found = await describeAll(ec2.clients, OWNER);
    expect(found.map(({ InstanceId }) => InstanceId)).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(ec2.inputs("DescribeInstances").map(({ MaxResults }) => MaxResults)).toEqual([1_000, 1_000]);
  });

  it("asks for our marks and for no state, so that what has ended is in it", async () => {
    const ec2 = fakeEc2({ DescribeInstances: () => page([]) });
    await describeAll(ec2.clients, OWNER);
    expect(ec2.inputs("DescribeInstances")[0].Filters).toEqual([
      { Name: "tag:holdfast:controller", Values: ["ci-test"] },
      { Name: "tag:holdfast:pool", Values: ["linux"] },
    ]);
  });

  it.each<readonly [string, Answer]>([
    ["its second page", ({ NextToken }) => (NextToken === undefined ? page([idOf(1)], "more") : fail())],
    ["any page at all", throwing("RequestLimitExceeded")],
    ["its end", () => page([idOf(1)], "for ever")],
  ])("is an error where it lacks %s", async (_name, answer) => {
    const ec2 = fakeEc2({ DescribeInstances: answer });
    await expect(describeAll(ec2.clients, OWNER)).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(ec2.sent.length).toBeLessThanOrEqual(100);
  });
});

function fail(): never {
  throw ec2Error("InternalError", "", 500);
}

/** Knows these, and refuses a call as a whole that names others; says which where `isTold`. */
function knowing(known: readonly string[], isTold = true): Answer {
  return ({ InstanceIds, Filters }) => {
    const ids: readonly string[] = InstanceIds ?? Filters?.[0]?.Values ?? [];
    const unknown = ids.filter((id) => !known.includes(id));
    if (InstanceIds === undefined || unknown.length === 0) return page(ids.filter((id) => known.includes(id)));
    // EC2 names no more than some of them.
    const named = unknown.slice(0, 2).join(", ");
    throw ec2Error("InvalidInstanceID.NotFound", isTold ? `The instance IDs '${named}' do not exist` : "no");
  };
}

describe("a reading by ids", () => {
  it("takes out what EC2 does not know and names", async () => {
    const ec2 = fakeEc2({ DescribeInstances: knowing([idOf(1), idOf(4)]) });
    const found = await describeByIds(ec2.clients, [1, 2, 3, 4].map(idOf));
    expect([...found.keys()]).toEqual([idOf(1), idOf(4)]);
    expect(ec2.sent).toHaveLength(2);
  });

  it.each([
    ["names nothing", false, 2],
    ["goes on naming others", true, 4],
  ])("asks by a filter where EC2 %s", async (_name, isTold, callCount) => {
    const ec2 = fakeEc2({ DescribeInstances: knowing([idOf(0)], isTold) });
    const ids = Array.from({ length: 20 }, (_, index) => idOf(index));
    expect([...(await describeByIds(ec2.clients, ids)).keys()]).toEqual([idOf(0)]);
    expect(ec2.sent).toHaveLength(callCount);
  });

  it("knows nothing of ids that are all unknown", async () => {
    const ec2 = fakeEc2({ DescribeInstances: knowing([]) });
    expect((await describeByIds(ec2.clients, [idOf(1)])).size).toBe(0);
  });

  it("is an error where EC2 did not answer", async () => {
    const ec2 = fakeEc2({ DescribeInstances: throwing("Unavailable", "", 503) });
    await expect(describeByIds(ec2.clients, [idOf(1)])).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(ec2.sent).toHaveLength(1);
  });

  it("of a thousand ids makes two calls", async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => idOf(index));
    const ec2 = fakeEc2({ DescribeInstances: knowing(ids) });
    expect((await describeByIds(ec2.clients, ids)).size).toBe(1_000);
    expect(ec2.sent).toHaveLength(2);
  });
});
