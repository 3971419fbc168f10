/** Members that a hook holds up while what is read of their group hangs: heartbeats may be answered all the same. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LISTING_AGE_MAX_MS } from "../../src/controllers/hold-members/held-up.ts";
import { HOLD_WAIT_MS, holdMembers, READING_WAIT_MS } from "../../src/controllers/hold-members.ts";
import { observe } from "../../src/controllers/observe.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import type { HeldUp } from "../../src/ports/provider.ts";
import { GroupYard, MEMBER, SERVING, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

/** What is waited for comes sooner, however slow the machine; past it something hangs. */
const HANG_MS = 20_000;

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
  site.group.timeoutMs = MINUTE_MS;
  await site.withJob();
});
afterEach(() => site.close());

/** A pass that is under way for so long. @returns the calls that it has made by then. */
async function goesOn(durationMs: number): Promise<number> {
  site.group.held.length = 0;
  for (let passedMs = 0; passedMs < durationMs; passedMs += READING_WAIT_MS) {
    await vi.waitUntil(() => yard.clock.sleeperCount > 0, { timeout: HANG_MS });
    yard.clock.advance(READING_WAIT_MS);
  }
  await vi.waitUntil(() => yard.clock.sleeperCount > 0, { timeout: HANG_MS });
  return site.group.held.length;
}

describe("while the group alone is asked, and does not answer", () => {
  let answer: (heldUp: readonly HeldUp[]) => void;

  beforeEach(async () => {
    site.show(WAITS);
    await observe(yard.context);
    expect(await site.hold()).toEqual([MEMBER]);
    yard.provider.listError = new ProviderError("provider-unavailable", "EC2 is throttled");
    await observe(yard.context);
    yard.clock.advance(LISTING_AGE_MAX_MS);
    const { promise, resolve } = Promise.withResolvers<readonly HeldUp[]>();
    answer = resolve;
    site.group.listHeldUp = () => promise;
  });

  it("who was held is held on, at each quarter of the timeout, and whom it tells of once it answers", async () => {
    const pass = holdMembers(yard.context);
    expect(await goesOn(MINUTE_MS)).toBeGreaterThanOrEqual(4);
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(1);
    const other = parseProviderId("i-00000099");
    site.group.held.length = 0;
    answer([{ providerId: other, membership: WAITS, isGroupLeft: false }]);
    await pass;
    expect(site.group.held).toContain(other);
  });

  it("nobody is held any more once another process has the pool", async () => {
    const pass = holdMembers(yard.context);
    await goesOn(READING_WAIT_MS);
    yard.lease = null;
    yard.clock.advance(READING_WAIT_MS);
    await pass;
    answer([]);
  });
});

describe("while the group's hooks cannot be read", () => {
  it("whom a listing shows is held at once, and anew by its hooks once they are read", async () => {
    site.show(SERVING);
    const { promise, resolve } = Promise.withResolvers<string>();
    site.group.readHookEdition = () => promise;
    site.show(WAITS);
    await observe(yard.context);
    const pass = holdMembers(yard.context);
    expect(await goesOn(2 * READING_WAIT_MS)).toBe(1);
    site.group.held.length = 0;
    resolve("1");
    await pass;
    expect(site.group.held).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
  });
});

it("a member whose own hold hangs keeps no other from being held, and is not asked for twice", async () => {
  site.show(WAITS);
  await observe(yard.context);
  const { hold } = site.group;
  const { promise, reject } = Promise.withResolvers<never>();
  let hangingCount = 0;
  site.group.hold = () => {
    hangingCount += 1;
    return promise;
  };
  const pass = holdMembers(yard.context);
  await vi.waitUntil(() => hangingCount === 1 && yard.clock.sleeperCount > 0, { timeout: HANG_MS });
  yard.clock.advance(HOLD_WAIT_MS);
  await pass;
  await holdMembers(yard.context);
  expect(hangingCount).toBe(1);
  reject(new ProviderError("provider-unavailable", "it took too long"));
  await vi.waitUntil(() => yard.context.memory.holdsUnderWay.size === 0, { timeout: HANG_MS });
  site.group.hold = hold;
  expect(await site.hold()).toEqual([MEMBER]);
});
