/** Members that a hook holds up while the provider's listing does not come: the group is asked alone, and made to wait. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DENIALS_MAX, LISTING_AGE_MAX_MS } from "../../src/controllers/hold-members/held-up.ts";
import { observe } from "../../src/controllers/observe.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import { strayMachineId } from "../../src/domain/stray.ts";
import type { HeldUp } from "../../src/ports/provider.ts";
import { GroupYard, MEMBER, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

const UNKNOWN = parseProviderId("i-00000099");
const THROTTLED = new ProviderError("provider-unavailable", "EC2 is throttled");

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

const waiting = (id: string = MEMBER, isGroupLeft = false): HeldUp => ({
  providerId: parseProviderId(id),
  membership: WAITS,
  isGroupLeft,
});

/** The last listing shows it in service; the next ones fail, and the group wants to end it. */
async function endsUnseen(heldUp: readonly HeldUp[] = [waiting()]): Promise<void> {
  await site.withJob();
  site.group.askedAloneCount = 0;
  yard.provider.listError = THROTTLED;
  site.group.heldUp = heldUp;
  await observe(yard.context);
}

describe("a member that its group wants to end while listings fail", () => {
  it("is held by the group's own word, at once and at each quarter of the timeout", async () => {
    await endsUnseen();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    yard.clock.advance(TIMEOUT_MS / 4);
    expect(await site.hold()).toEqual([MEMBER]);
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(1);
    const held = (await site.facts()).filter((fact) =>
      fact.startsWith("its group wants to end it and is made to wait"),
    );
    expect(held).toHaveLength(1);
  });

  it("is held by a process that has seen no listing at all, which finds it by its row", async () => {
    await endsUnseen();
    yard.context.memory.observed.clear();
    expect(await site.hold()).toEqual([MEMBER]);
    expect([...yard.context.memory.holds.keys()]).toEqual([MEMBER]);
  });

  it("is held as well while the store cannot be read", async () => {
    await endsUnseen();
    yard.context.memory.observed.clear();
    await site.withoutStore(async () => {
      await site.hold().catch(() => undefined);
      expect(site.group.held).toEqual([MEMBER]);
    });
  });

  it("is held where a listing takes too long to come", async () => {
    await site.withJob();
    site.group.heldUp = [waiting()];
    yard.clock.advance(LISTING_AGE_MAX_MS - 1);
    expect(await site.hold()).toEqual([]);
    yard.clock.advance(1);
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is held on where the last listing showed it, and the group leaves it out or cannot be asked", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    yard.provider.listError = THROTTLED;
    await observe(yard.context);
    expect(await site.hold()).toEqual([MEMBER]);
    site.group.listHeldUpError = new ProviderError("provider-unavailable", "Auto Scaling is throttled");
    yard.clock.advance(TIMEOUT_MS);
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is known as held until a listing shows it back and its hooks agree: that tells what its end was", async () => {
    await endsUnseen();
    await site.hold();
    site.group.heldUp = [];
    await site.hold();
    expect(yard.context.memory.holds.size).toBe(1);
    yard.provider.listError = null;
    site.group.isWaiting = false;
    yard.clock.advance(TIMEOUT_MS);
    await observe(yard.context);
    for (let pass = 0; pass <= DENIALS_MAX; pass += 1) await site.hold();
    expect(yard.context.memory.holds.size).toBe(0);
  });

  it("is held without a row too, but not in a group that was left, where it is somebody else's", async () => {
    await endsUnseen([waiting(UNKNOWN)]);
    expect(await site.hold()).toEqual([UNKNOWN]);
    expect([...yard.context.memory.holds.keys()]).toEqual([strayMachineId(UNKNOWN)]);
    yard.context.memory.holds.clear();
    site.group.heldUp = [waiting(UNKNOWN, true), waiting(MEMBER, true)];
    expect(await site.hold()).toEqual([MEMBER]);
  });
});

it("asks no group alone while listings come whole", async () => {
  await site.withJob();
  site.group.askedAloneCount = 0;
  site.group.heldUp = [waiting()];
  for (let pass = 0; pass < 10; pass += 1) {
    yard.clock.advance(LISTING_AGE_MAX_MS / 3);
    await observe(yard.context);
    await site.hold();
  }
  expect(site.group.askedAloneCount).toBe(0);
});
