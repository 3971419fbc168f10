import { describe, expect, it } from "vitest";
import { Batch, type Outcome } from "../../../src/adapters/aws/batch.ts";
import { endInstances, type Verb } from "../../../src/adapters/aws/terminate.ts";
import { type ProviderId, parseControllerId, parseProviderId } from "../../../src/domain/ids.ts";
import type { MachinePermit } from "../../../src/domain/permit.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { poolName } from "../../domain/builders.ts";
import { type Answer, ec2Error, fakeEc2, throwing } from "../ec2/fake-client.ts";
import { handClock, permitFor } from "../ec2/stage.ts";

const OWNER = { controllerId: parseControllerId("ci-test"), pool: poolName() };
const idOf = (number: number) => parseProviderId(`i-${String(number).padStart(8, "0")}`);

function stage(answers: Record<string, Answer>, count: number) {
  const clock = handClock();
  const ec2 = fakeEc2(answers);
  const permits = Array.from({ length: count }, (_, index) => permitFor(idOf(index + 1), clock));
  const context = { clients: ec2.clients, clock, owner: OWNER, refused: new Set<ProviderId>() };
  const end = (verb: Verb = "terminate") => endInstances(context, verb, permits);
  return { ec2, clock, permits, end };
}

const asked = (input: { readonly InstanceIds: readonly string[] }) => input.InstanceIds;
const wordOf = (outcome: Outcome<void> | undefined) =>
  outcome === undefined || "value" in outcome ? "asked" : String((outcome.error as Error).message);

/** Refuses whatever names one of these. */
function refusing(bad: readonly string[], code: string, isNamed: boolean): Answer {
  return ({ InstanceIds }) => {
    const meant = InstanceIds.filter((id: string) => bad.includes(id));
    if (meant.length > 0) throw ec2Error(code, isNamed ? `The instance '${meant[0]}' may not` : "one of them may not");
    return {};
  };
}

describe("endings of one moment", () => {
  it("are one call, each with its own outcome", async () => {
    const { ec2, clock, permits } = stage(
      { TerminateInstances: refusing([idOf(2)], "OperationNotPermitted", true) },
      3,
    );
    const batch = new Batch<MachinePermit, void>({
      clock,
      countMax: 200,
      work: (some) =>
        endInstances({ clients: ec2.clients, clock, owner: OWNER, refused: new Set<ProviderId>() }, "terminate", some),
    });
    const outcomes = await Promise.allSettled(permits.map((permit) => batch.add(permit)));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(ec2.inputs("TerminateInstances").map(asked)).toEqual([
      [idOf(1), idOf(2), idOf(3)],
      [idOf(1), idOf(3)],
    ]);
  });

  it("are as many calls as it takes where there are more than one may name", async () => {
    const sizes: number[] = [];
    const work = async (items: readonly number[]) => {
      sizes.push(items.length);
      return items.map((value) => ({ value }));
    };
    const batch = new Batch<number, number>({ clock: handClock(), countMax: 2, work });
    expect(await Promise.all([1, 2, 3].map((item) => batch.add(item)))).toEqual([1, 2, 3]);
    expect(await batch.add(4)).toBe(4);
    expect(sizes).toEqual([2, 1, 1]);
  });

  it("wait for those who still come, as long as one came in each pause, and not for ever", async () => {
    const sizes: number[] = [];
    const asked: Promise<number>[] = [];
    let pauseCount = 0;
    let comingCount = 3;
    const clock = {
      ...handClock(),
      sleep: async () => {
        pauseCount += 1;
        if (pauseCount <= comingCount) asked.push(batch.add(pauseCount));
      },
    };
    const work = async (items: readonly number[]) => {
      sizes.push(items.length);
      return items.map((value) => ({ value }));
    };
    const batch: Batch<number, number> = new Batch<number, number>({ clock, countMax: 200, work });
    await batch.add(0);
    expect(await Promise.all(asked)).toEqual([1, 2, 3]);
    expect(sizes).toEqual([4]);
    [pauseCount, comingCount] = [0, 45];
    await batch.add(0);
    expect(sizes).toEqual([4, 41]);
  });

  it("all hear of it where the call itself fails", async () => {
    const work = async () => {
      throw new Error("no call");
    };
    const batch = new Batch<number, number>({ clock: handClock(), countMax: 2, work });
    const outcomes = await Promise.allSettled([1, 2, 3].map((item) => batch.add(item)));
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
  });
});

describe("an instance that EC2 refuses to end", () => {
  it.each([
    ["named", true],
    ["not named", false],
  ])("does not hold up the others: %s", async (_name, isNamed) => {
    const bad = [idOf(3), idOf(6)];
    const { ec2, end } = stage({ TerminateInstances: refusing(bad, "OperationNotPermitted", isNamed) }, 8);
    const words = (await end()).map(wordOf);
    expect(words.filter((word) => word === "asked")).toHaveLength(6);
    expect(words[2]).toContain("disableApiTermination");
    expect(words[2]).toContain(idOf(3));
    expect(words[5]).toContain(idOf(6));
    expect(ec2.sent.length).toBeLessThanOrEqual(24);
  });

  it("costs no more calls than a batch may, and the rest is told so", async () => {
    const all = Array.from({ length: 200 }, (_, index) => idOf(index + 1));
    const { ec2, end } = stage({ TerminateInstances: refusing(all, "OperationNotPermitted", false) }, 200);
    const words = (await end()).map(wordOf);
    expect(ec2.sent).toHaveLength(24);
    expect(words).not.toContain("asked");
    expect(words.some((word) => word.includes("not asked for"))).toBe(true);
  });

  it.each([
    ["named", true, 2],
    ["not named", false, 10],
  ])(
    "comes after the others the next time, so that many hold up nobody for ever: %s",
    async (_name, isNamed, passes) => {
      const bad = Array.from({ length: 30 }, (_, index) => idOf(3 * index + 1));
      const { ec2, end } = stage({ TerminateInstances: refusing(bad, "OperationNotPermitted", isNamed) }, 100);
      const countAsked = async () => (await end()).filter((outcome) => wordOf(outcome) === "asked").length;
      for (let pass = 1; pass < passes; pass += 1) expect(await countAsked()).toBeLessThan(70);
      expect(await countAsked()).toBe(70);
      expect(ec2.sent).toHaveLength(24 * passes);
    },
  );

  it("was asked for where EC2 does not know it: a reading by its id tells more", async () => {
    const { end } = stage({ TerminateInstances: refusing([idOf(1)], "InvalidInstanceID.NotFound", true) }, 2);
    expect((await end()).map(wordOf)).toEqual(["asked", "asked"]);
  });

  it.each(["RequestLimitExceeded", "InternalError"])("is told to all, and not tried one by one: %s", async (code) => {
    const { ec2, end } = stage({ TerminateInstances: throwing(code) }, 5);
    expect((await end()).map(wordOf).every((word) => word.includes(code))).toBe(true);
    expect(ec2.sent).toHaveLength(1);
  });
});

describe("a call that our credentials may not make", () => {
  const present = (id: string, controllerId = "ci-test", Name = "running") => ({
    InstanceId: id,
    State: { Name },
    Tags: [{ Key: "holdfast:controller", Value: controllerId }],
  });
  const denied = (...bad: readonly string[]) => refusing(bad, "UnauthorizedOperation", false);

  it("is made again without what has vanished, because that carries no tag any more", async () => {
    const DescribeInstances: Answer = ({ InstanceIds }) => {
      if (InstanceIds?.includes(idOf(2)))
        throw ec2Error("InvalidInstanceID.NotFound", `The instance ID '${idOf(2)}' does not exist`);
      return { Reservations: [{ Instances: [present(idOf(1)), present(idOf(3), "ci-test", "terminated")] }] };
    };
    const { ec2, end } = stage({ TerminateInstances: denied(idOf(2), idOf(3)), DescribeInstances }, 3);
    expect((await end()).map(wordOf)).toEqual(["asked", "asked", "asked"]);
    expect(ec2.inputs("TerminateInstances").map(asked)).toEqual([[idOf(1), idOf(2), idOf(3)], [idOf(1)]]);
  });

  it("is never made for what carries another controller's mark", async () => {
    const Instances = [present(idOf(1)), present(idOf(2), "ci-other")];
    const DescribeInstances = () => ({ Reservations: [{ Instances }] });
    const { ec2, end } = stage({ TerminateInstances: denied(idOf(2)), DescribeInstances }, 2);
    const [one, other] = await end();
    expect(wordOf(one)).toBe("asked");
    expect(wordOf(other)).toContain("holdfast check --iam");
    expect(ec2.inputs("TerminateInstances").map(asked).at(-1)).toEqual([idOf(1)]);
  });

  it("is halved where all are there and ours, until the one is found", async () => {
    const Instances = [1, 2, 3, 4].map((number) => present(idOf(number)));
    const DescribeInstances = () => ({ Reservations: [{ Instances }] });
    const { end } = stage({ TerminateInstances: denied(idOf(4)), DescribeInstances }, 4);
    expect((await end()).map(wordOf).map((word) => word === "asked")).toEqual([true, true, true, false]);
  });

  it.each(["RequestExpired", "AuthFailure"])(
    "is made by nobody again who is refused for when or for who asks: %s",
    async (code) => {
      const { ec2, end } = stage({ StopInstances: throwing(code) }, 4);
      expect((await end("stop")).map(wordOf).every((word) => word.includes(code))).toBe(true);
      expect(ec2.sent).toHaveLength(1);
    },
  );

  it("is told as it is where the reading fails too", async () => {
    const answers = { TerminateInstances: denied(idOf(1)), DescribeInstances: throwing("Unavailable", "", 503) };
    expect((await stage(answers, 1).end()).map(wordOf)[0]).toContain("UnauthorizedOperation");
  });
});

describe("a permit", () => {
  it("that has expired ends nothing", async () => {
    const { ec2, clock, end } = stage({ TerminateInstances: () => ({}) }, 1);
    clock.pass(30 * SECOND_MS);
    expect(wordOf((await end())[0])).toContain("expired");
    expect(ec2.sent).toEqual([]);
  });

  it("that nobody issued ends nothing, and the others go on", async () => {
    const { ec2, clock, permits } = stage({ TerminateInstances: () => ({}) }, 1);
    const forged = { ...permits[0], providerId: idOf(9) } as MachinePermit;
    const context = { clients: ec2.clients, clock, owner: OWNER, refused: new Set<ProviderId>() };
    const outcomes = await endInstances(context, "terminate", [forged, ...permits]);
    expect(outcomes.map(wordOf)[0]).toContain("not a permit");
    expect(ec2.inputs("TerminateInstances").map(asked)).toEqual([[idOf(1)]]);
  });

  it("that expires while others are halved is not used", async () => {
    const { ec2, clock, end } = stage({}, 2);
    ec2.answers.TerminateInstances = () => {
      clock.pass(30 * SECOND_MS);
      throw ec2Error("OperationNotPermitted", "one of them");
    };
    const words = (await end()).map(wordOf);
    expect(ec2.sent).toHaveLength(1);
    expect(words.every((word) => word.includes("not asked for"))).toBe(true);
  });

  it("is what a stop takes as well", async () => {
    const { ec2, end } = stage({ StopInstances: throwing("UnsupportedOperation", "spot") }, 1);
    const [outcome] = await end("stop");
    expect(outcome).toMatchObject({ error: { code: "provider-invalid" } });
    expect(ec2.inputs("StopInstances").map(asked)).toEqual([[idOf(1)]]);
  });
});
