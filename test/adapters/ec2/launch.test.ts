import { describe, expect, it } from "vitest";
import { classify } from "../../../src/adapters/aws/errors.ts";
import { Interruptions } from "../../../src/adapters/ec2/interruptions.ts";
import { carryOut, type LaunchContext } from "../../../src/adapters/ec2/launch.ts";
import { draftOrder, type Order } from "../../../src/adapters/ec2/order.ts";
import { Rests } from "../../../src/adapters/ec2/rests.ts";
import type { Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import { Untried } from "../../../src/adapters/ec2/untried.ts";
import { ProviderError } from "../../../src/domain/errors.ts";
import { parseControllerId } from "../../../src/domain/ids.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { LaunchRequest } from "../../../src/ports/provider.ts";
import { poolName } from "../../domain/builders.ts";
import { type Answer, ec2Error, fakeEc2, throwing } from "./fake-client.ts";
import { handClock, NO_PLACE, newLaunch, settingsAt } from "./stage.ts";

const OWNER = { controllerId: parseControllerId("ci-test"), pool: poolName() };
const PLACES = ["m5.large", "c5.large"].flatMap((instanceType) =>
  NO_PLACE.subnets.map((subnet) => ({ instanceType, subnet, zone: subnet.slice(-1) })),
);
const [FIRST, SECOND] = PLACES as [(typeof PLACES)[number], (typeof PLACES)[number]];

function stage(answers: Record<string, Answer>, changes: Partial<Ec2Settings> = {}) {
  const settings = settingsAt("http://ec2.test", NO_PLACE, changes);
  const clock = handClock();
  const ec2 = fakeEc2(answers);
  const seen = { settingsRefused: 0, started: [] as (readonly [number, number])[] };
  const context: LaunchContext = {
    clients: ec2.clients,
    owner: OWNER,
    clock,
    rests: new Rests(clock),
    interruptions: new Interruptions(clock),
    settings,
    recoveries: new Map(),
    untried: new Untried(),
    onSettingsRefused: () => {
      seen.settingsRefused += 1;
    },
    onStarted: (...counts) => seen.started.push(counts),
  };
  const order = (request: LaunchRequest, onDemandCount = 0): Order => {
    context.untried.note(request, 0);
    return draftOrder({
      settings,
      rests: context.rests,
      interruptions: context.interruptions,
      places: settings.instanceTypes.length === 1 ? PLACES.slice(0, 1) : PLACES,
      launchId: request.launchId,
      count: request.machines.length,
      onDemandCount,
      template: { id: "lt-1", version: "1" },
      tags: [],
      nowMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
    });
  };
  return { ec2, context, clock, seen, order };
}

async function refusalOf(work: Promise<unknown>): Promise<ProviderError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProviderError) return error;
  throw new Error(`it was not refused: ${error}`);
}

const fleet =
  (ids: readonly string[], errors: readonly object[] = []): Answer =>
  () => ({
    FleetId: "fleet-1",
    Instances: ids.length === 0 ? [] : [{ InstanceIds: [...ids], InstanceType: "m5.large", Lifecycle: "spot" }],
    Errors: errors,
  });
const failed = (ErrorCode: string, { instanceType, subnet } = FIRST, Lifecycle = "spot") => ({
  ErrorCode,
  ErrorMessage: "EC2 says so",
  Lifecycle,
  LaunchTemplateAndOverrides: { Overrides: { InstanceType: instanceType, SubnetId: subnet } },
});

const CAPACITY = classify("InsufficientInstanceCapacity", "", null);
const [A, B, C] = ["i-0000000a", "i-0000000b", "i-0000000c"] as const;

describe("what was started", () => {
  it("is bound in the order of the instances' ids, so that each repeat binds alike", async () => {
    const request = newLaunch(3);
    const { context, order, ec2 } = stage({ CreateFleet: fleet([C, A, B]) });
    const made = order(request);
    const bound = await carryOut(context, made, request);
    ec2.answers.CreateFleet = fleet([B, C, A]);
    expect(await carryOut(context, made, request)).toEqual(bound);
    expect(bound.map(({ providerId }) => providerId)).toEqual([A, B, C]);
    expect(ec2.inputs("CreateFleet")[1]).toEqual(ec2.inputs("CreateFleet")[0]);
  });

  it("may be fewer than was asked for; what stood in the way rests, by override and market", async () => {
    const request = newLaunch(3);
    const errors = [failed("InsufficientInstanceCapacity"), failed("VcpuLimitExceeded", SECOND, "on-demand")];
    const { context, order, seen } = stage({ CreateFleet: fleet([A], errors) });
    const bound = await carryOut(context, order(request, 1), request);
    expect(bound).toEqual([{ machineId: request.machines[0]?.machineId, providerId: A }]);
    expect(seen.started).toEqual([[1, 0]]);
    expect(PLACES.map((place) => context.rests.of(place, "spot") !== null)).toEqual([true, false, false, false]);
    expect(PLACES.every((place) => context.rests.of(place, "on-demand") !== null)).toBe(true);
  });

  it("makes the next refusal there a first one again", async () => {
    const request = newLaunch(1);
    const { context, order, clock } = stage({ CreateFleet: fleet([A]) });
    const made = order(request);
    const restMs = () => {
      context.rests.note(CAPACITY, FIRST, "spot");
      return (context.rests.of(FIRST, "spot")?.untilMonotonicMs ?? 0) - clock.monotonicMs();
    };
    expect(restMs()).toBe(3 * MINUTE_MS);
    await carryOut(context, made, request);
    expect(context.rests.of(FIRST, "spot")).toBeNull();
    expect(restMs()).toBe(3 * MINUTE_MS);
  });

  it.each([
    ["spot", 10, false],
    ["spot", 11, true],
    ["on-demand", 100, false],
  ])("counts for how often EC2 takes it back, where it is on %s: %i started", async (lifecycle, count, isSeldom) => {
    const request = newLaunch(count);
    const ids = request.machines.map((_, index) => `i-${String(index).padStart(8, "0")}`);
    const Instances = [{ InstanceIds: ids, InstanceType: "m5.large", Lifecycle: lifecycle }];
    const { context, order } = stage({ CreateFleet: () => ({ Instances }) });
    const made = order(request);
    for (let taken = 0; taken < 2; taken += 1) context.interruptions.noteReclaimed(FIRST);
    await carryOut(context, made, request);
    expect(context.interruptions.seldomIn(PLACES).includes(FIRST)).toBe(isSeldom);
  });

  it("may come with errors beside a whole success", async () => {
    const request = newLaunch(1);
    const { context, order } = stage({ CreateFleet: fleet([A], [failed("UnfulfillableCapacity")]) });
    expect(await carryOut(context, order(request), request)).toHaveLength(1);
  });

  it("is read from a call for instances as well", async () => {
    const request = newLaunch(2);
    const one = { instanceTypes: ["m5.large"], subnets: NO_PLACE.subnets.slice(0, 1), market: "on-demand" } as const;
    const { context, order, seen } = stage({ RunInstances: () => ({ Instances: [{ InstanceId: A }] }) }, one);
    expect(await carryOut(context, order(request, 2), request)).toEqual([
      { machineId: request.machines[0]?.machineId, providerId: A },
    ]);
    expect(seen.started).toEqual([[1, 1]]);
  });
});

describe("an answer that started nothing", () => {
  it.each<readonly [string, readonly string[], ProviderError["code"]]>([
    ["no room", ["InsufficientInstanceCapacity"], "provider-capacity"],
    ["quotas alone", ["VcpuLimitExceeded", "MaxSpotInstanceCountExceeded"], "provider-quota"],
    ["a quota and no room", ["VcpuLimitExceeded", "UnfulfillableCapacity"], "provider-capacity"],
    ["settings, whatever else", ["UnfulfillableCapacity", "InvalidAMIID.NotFound"], "provider-invalid"],
    // The call was answered, and its token used up: a repeat would start nothing.
    ["too many calls inside the answer", ["RequestLimitExceeded"], "provider-capacity"],
    ["not a word", [], "provider-capacity"],
  ])("is a refusal: %s", async (_name, codes, want) => {
    const request = newLaunch(1);
    const errors = codes.map((code) => failed(code));
    const { context, order } = stage({ CreateFleet: fleet([], errors) }, { market: "spot" });
    const error = await refusalOf(carryOut(context, order(request), request));
    expect(error.code).toBe(want);
    for (const code of codes) expect(error.message).toContain(code);
  });

  it("is followed at once by another market, where one is behind and this one is over", async () => {
    const request = newLaunch(1);
    const everywhere = PLACES.map((place) => failed("InsufficientInstanceCapacity", place));
    const { context, order } = stage({ CreateFleet: fleet([], everywhere) });
    expect((await refusalOf(carryOut(context, order(request), request))).retryAfterMs).toBe(0);
    const next = order(newLaunch(1));
    expect(next.lifecycle).toBe("on-demand");
    const { retryAfterMs } = await refusalOf(carryOut(context, next, newLaunch(1)));
    expect(retryAfterMs).toBeNull();
  });

  it("is not followed at once while a place of its own market is free, or the other market rests too", async () => {
    const one = stage({ CreateFleet: fleet([], [failed("InsufficientInstanceCapacity")]) });
    const request = newLaunch(1);
    expect((await refusalOf(carryOut(one.context, one.order(request), request))).retryAfterMs).toBeNull();
    const everywhere = PLACES.map((place) => failed("InsufficientInstanceCapacity", place));
    const both = stage({ CreateFleet: fleet([], everywhere) });
    const made = both.order(request);
    for (const place of PLACES) both.context.rests.note(CAPACITY, place, "on-demand");
    expect((await refusalOf(carryOut(both.context, made, request))).retryAfterMs).toBeNull();
  });

  it("lets settings be read anew", async () => {
    const request = newLaunch(1);
    const { context, order, seen } = stage({ CreateFleet: throwing("InvalidLaunchTemplateId.NotFound") });
    expect((await refusalOf(carryOut(context, order(request), request))).code).toBe("provider-invalid");
    expect(seen.settingsRefused).toBe(1);
  });
});

describe("a call that was refused as a whole", () => {
  it.each<readonly [string, ProviderError["code"]]>([
    ["InsufficientInstanceCapacity", "provider-capacity"],
    ["VcpuLimitExceeded", "provider-quota"],
    ["RequestLimitExceeded", "provider-unavailable"],
    ["InternalError", "provider-unavailable"],
    ["UnauthorizedOperation", "provider-invalid"],
  ])("%s: %s, and the same holds for each of its places", async (code, want) => {
    const request = newLaunch(1);
    const { context, order } = stage({ CreateFleet: throwing(code) }, { market: "spot" });
    expect((await refusalOf(carryOut(context, order(request), request))).code).toBe(want);
    const isPlaceful = want === "provider-capacity" || want === "provider-quota";
    expect(PLACES.every((place) => (context.rests.of(place, "spot") !== null) === isPlaceful)).toBe(true);
  });

  it("is unknown where nothing answered", async () => {
    const request = newLaunch(1);
    const { context, order } = stage({
      CreateFleet: () => {
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      },
    });
    expect((await refusalOf(carryOut(context, order(request), request))).code).toBe("provider-unavailable");
  });

  it.each([
    ["one of several", {}, 10 * MINUTE_MS],
    ["the only one", { instanceTypes: ["m5.large"] }, 6 * HOUR_MS],
  ] as const)(
    "a type that is not offered, %s: rests for at most as long as it may be the one",
    async (_name, changes, restMaxMs) => {
      const request = newLaunch(1);
      const refused = throwing("Unsupported", "not offered in this zone");
      const { context, order, clock } = stage({ CreateFleet: refused, RunInstances: refused }, changes);
      const made = order(request);
      await refusalOf(carryOut(context, made, request));
      for (const place of made.places) {
        const restMs = (context.rests.of(place, "spot")?.untilMonotonicMs ?? 0) - clock.monotonicMs();
        expect(restMs).toBeGreaterThan(0);
        expect(restMs).toBeLessThanOrEqual(restMaxMs);
        if (made.places.length === 1) expect(restMs).toBe(restMaxMs);
      }
    },
  );
});

const listed =
  (...ids: readonly string[]): Answer =>
  () => ({ Reservations: [{ Instances: ids.map((InstanceId) => ({ InstanceId })) }] });

describe("a launch that is refused after a call that may have taken", () => {
  /** EC2's answers to its calls, one after the other; the last one again and again. */
  function staged(codes: readonly string[], ...ids: readonly string[]) {
    let count = 0;
    const CreateFleet: Answer = () => {
      const code = codes[Math.min(count, codes.length - 1)] ?? "";
      count += 1;
      throw ec2Error(code);
    };
    return { request: newLaunch(1), ...stage({ CreateFleet, DescribeInstances: listed(...ids) }) };
  }

  it("is read by its tag: what is there was started", async () => {
    const { context, order, request, ec2 } = staged(["InternalError", "InvalidParameter"], A);
    const made = order(request);
    expect((await refusalOf(carryOut(context, made, request))).message).toContain("InternalError");
    expect((await carryOut(context, made, request))[0]?.providerId).toBe(A);
    expect(ec2.inputs("CreateFleet")).toHaveLength(2);
  });

  it.each<[string, number, (untried: Untried, request: LaunchRequest) => unknown]>([
    ["whose answer nobody had", 1, () => {}],
    ["of a process before this one", 0, (untried, { launchId }) => untried.take(launchId, 0)],
    ["of another that held the pool meanwhile", 0, (untried, request) => untried.note(request, -1)],
  ])("is refused once no listing can lag, and says why it waits: a call %s", async (_whose, unknownCount, happen) => {
    const codes = [...Array.from({ length: unknownCount }, () => "ServiceUnavailable"), "UnauthorizedOperation"];
    const { context, order, clock, request, seen } = staged(codes);
    const made = order(request);
    happen(context.untried, request);
    for (let count = 0; count < unknownCount; count += 1) await refusalOf(carryOut(context, made, request));
    for (const passMs of [0, 5 * MINUTE_MS - 1]) {
      clock.pass(passMs);
      const { code, message } = await refusalOf(carryOut(context, made, request));
      expect([code, message]).toEqual(["provider-unavailable", expect.stringContaining("UnauthorizedOperation")]);
    }
    clock.pass(1);
    expect(await carryOut(context, made, request)).toEqual([]);
    expect(seen.settingsRefused).toBe(1);
  });

  it("is read from the beginning where somebody else may have made it since, and holds up no other launch", async () => {
    const { context, order, clock, request } = staged(["UnauthorizedOperation"]);
    const made = order(request);
    const inTenure = (epoch: number) => refusalOf(carryOut(context, made, request, { epoch, leftMs: () => MINUTE_MS }));
    expect((await inTenure(1)).retryAfterMs).toBe(0);
    clock.pass(5 * MINUTE_MS - 1);
    expect((await inTenure(2)).code).toBe("provider-unavailable");
    clock.pass(5 * MINUTE_MS - 1);
    expect((await inTenure(2)).code).toBe("provider-unavailable");
    clock.pass(1);
    expect(await carryOut(context, made, request, { epoch: 2, leftMs: () => MINUTE_MS })).toEqual([]);
  });

  it("is not called for by a process that has lost the pool, and is the first of who has it again", async () => {
    const { context, order, request, ec2 } = staged(["InvalidParameter"]);
    const made = order(request);
    const by = (leftMs: number) => refusalOf(carryOut(context, made, request, { epoch: 0, leftMs: () => leftMs }));
    expect((await by(0)).code).toBe("provider-unavailable");
    expect(ec2.sent).toEqual([]);
    expect((await by(1)).code).toBe("provider-invalid");
  });

  it("is refused at once where nothing was done before: EC2 had throttled", async () => {
    const { context, order, request, ec2 } = staged(["RequestLimitExceeded", "InvalidParameter"]);
    const made = order(request);
    expect((await refusalOf(carryOut(context, made, request))).code).toBe("provider-unavailable");
    expect((await refusalOf(carryOut(context, made, request))).code).toBe("provider-invalid");
    expect(ec2.inputs("DescribeInstances")).toEqual([]);
  });

  it("may be any of a restored store: it may have had an order before, and been made", () => {
    const untried = new Untried();
    const request = newLaunch(2);
    const [one, other] = request.machines as [LaunchRequest["machines"][0], LaunchRequest["machines"][0]];
    untried.note({ ...request, machines: [one, { ...other, mayHaveEnded: true }] }, 1);
    expect(untried.take(request.launchId, 1)).toBe(false);
  });

  it("is that of any launch that is too many to be remembered", () => {
    const untried = new Untried();
    const requests = Array.from({ length: 1_001 }, () => newLaunch(1));
    for (const request of requests) untried.note(request, 1);
    expect(requests.map(({ launchId }) => untried.take(launchId, 1))).toEqual(requests.map((_, index) => index > 0));
  });
});

describe("a launch whose token was used for another request", () => {
  it("is read by its tag, and what that shows is what was started", async () => {
    const request = newLaunch(2);
    const answers = { CreateFleet: throwing("IdempotentParameterMismatch"), DescribeInstances: listed(B, A) };
    const { context, order, ec2 } = stage(answers);
    const bound = await carryOut(context, order(request), request);
    expect(bound.map(({ providerId }) => providerId)).toEqual([A, B]);
    expect(ec2.inputs("DescribeInstances")[0].Filters).toContainEqual({
      Name: "tag:holdfast:launch",
      Values: [request.launchId],
    });
  });

  it("waits for as long as a listing may lag before fewer are all", async () => {
    const request = newLaunch(2);
    const answers = { CreateFleet: throwing("IdempotentParameterMismatch"), DescribeInstances: listed(A) };
    const { context, order, clock, ec2 } = stage(answers);
    const made = order(request);
    expect((await refusalOf(carryOut(context, made, request))).code).toBe("provider-unavailable");
    clock.pass(5 * MINUTE_MS - 1);
    expect((await refusalOf(carryOut(context, made, request))).code).toBe("provider-unavailable");
    clock.pass(1);
    expect(await carryOut(context, made, request)).toHaveLength(1);
    // Once it is known that the token is another's, it is not asked for again.
    expect(ec2.inputs("CreateFleet")).toHaveLength(1);
  });

  it.each([
    ["it is old", 12 * HOUR_MS + 1],
    ["nobody knows how old it is, because the clock was set back", -2 * HOUR_MS],
  ])("is read so as well where EC2 may have forgotten the token: %s", async (_why, byMs) => {
    const request = newLaunch(1);
    const { context, order, clock, ec2 } = stage({ CreateFleet: fleet([B]), DescribeInstances: listed(A) });
    const made = order(request);
    clock.pass(byMs);
    expect((await carryOut(context, made, request))[0]?.providerId).toBe(A);
    expect(ec2.inputs("CreateFleet")).toEqual([]);
  });

  it("fails as a reading where the reading fails", async () => {
    const request = newLaunch(1);
    const { context, order } = stage({
      CreateFleet: () => {
        throw ec2Error("IdempotentParameterMismatch");
      },
      DescribeInstances: throwing("RequestLimitExceeded"),
    });
    expect((await refusalOf(carryOut(context, order(request), request))).code).toBe("provider-unavailable");
  });
});
