import { describe, expect, it } from "vitest";
import type { LifecycleDecision } from "../../src/domain/lifecycle.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { barsToEnding, heedWords, mayGetTickets, NO_WORDS, type PoolWords } from "../../src/domain/operator-words.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import { machine, pool, START_MS, ticket } from "./builders.ts";

const MARK = { operator: "alice", reason: "disk looks odd", atMs: START_MS };
const FROZEN: PoolWords = { drain: null, freeze: MARK };
const DRAINED: PoolWords = { drain: MARK, freeze: null };
const WARM: LifecycleDecision = { kind: "keep", reason: "kept-warm" };
const BUSY: LifecycleDecision = { kind: "keep", reason: "runs-job" };
const BOOTING: LifecycleDecision = { kind: "keep", reason: "booting" };
const SURPLUS: LifecycleDecision = { kind: "retire", reason: "surplus" };
const DEAD: LifecycleDecision = { kind: "retire", reason: "machine-dead" };
const keep = (reason: "held" | "frozen"): LifecycleDecision => ({ kind: "keep", reason });
const retire = (reason: "drained" | "operator-forced"): LifecycleDecision => ({ kind: "retire", reason });

const parked = machine({ state: "parked" });
const engaged = machine({ state: "engaged" });
const booting = machine({ state: "provisioning" });
const held = (one: Machine) => ({ ...one, hold: MARK });
const forced = (one: Machine) => ({ ...one, forced: MARK });
const drained = (one: Machine): Machine => ({ ...one, retireWhenSpent: "drained" });
const out = ticket({ state: "running" });

type Row = readonly [string, Machine, Ticket | null, PoolWords, LifecycleDecision, LifecycleDecision];

describe("what operators have said changes what is decided", () => {
  it.each<Row>([
    ["nothing said, kept", parked, null, NO_WORDS, WARM, WARM],
    ["nothing said, too many", parked, null, NO_WORDS, SURPLUS, SURPLUS],
    ["nothing said, at work", engaged, out, NO_WORDS, BUSY, BUSY],
    ["held, parked", held(parked), null, NO_WORDS, WARM, keep("held")],
    ["held, and it would go", held(parked), null, NO_WORDS, SURPLUS, keep("held")],
    ["held, at work", held(engaged), out, NO_WORDS, BUSY, BUSY],
    ["held, booting", held(booting), null, NO_WORDS, BOOTING, BOOTING],
    ["held, and its boot deadline is past", held(booting), null, NO_WORDS, SURPLUS, keep("held")],
    ["held and forced", held(forced(engaged)), out, NO_WORDS, BUSY, keep("held")],
    ["held and drained", held(drained(parked)), null, NO_WORDS, WARM, keep("held")],
    ["held in a drained pool", held(parked), null, DRAINED, WARM, keep("held")],
    ["held, and the provider calls it dead", held(engaged), out, NO_WORDS, DEAD, DEAD],
    ["frozen, kept", parked, null, FROZEN, WARM, WARM],
    ["frozen, and it would go", parked, null, FROZEN, SURPLUS, keep("frozen")],
    ["frozen and forced", forced(engaged), out, FROZEN, BUSY, keep("frozen")],
    ["frozen and drained", drained(parked), null, FROZEN, WARM, keep("frozen")],
    ["frozen, at work", engaged, out, FROZEN, BUSY, BUSY],
    ["frozen, and the provider calls it dead", engaged, out, FROZEN, DEAD, DEAD],
    ["forced, at work", forced(engaged), out, NO_WORDS, BUSY, retire("operator-forced")],
    ["forced, parked", forced(parked), null, NO_WORDS, WARM, retire("operator-forced")],
    ["forced, booting", forced(booting), null, NO_WORDS, BOOTING, retire("operator-forced")],
    ["drained, parked", drained(parked), null, NO_WORDS, WARM, retire("drained")],
    ["drained, parked, its ticket not sent", drained(parked), ticket(), NO_WORDS, WARM, retire("drained")],
    ["drained, booting", drained(booting), null, NO_WORDS, BOOTING, retire("drained")],
    ["drained, at work", drained(engaged), out, NO_WORDS, BUSY, BUSY],
    ["its pool drained, parked", parked, null, DRAINED, WARM, retire("drained")],
    ["its pool drained, booting", booting, null, DRAINED, BOOTING, retire("drained")],
    ["its pool drained, at work", engaged, out, DRAINED, BUSY, BUSY],
    ["its pool drained, an idle runner", engaged, ticket({ state: "online" }), DRAINED, BUSY, BUSY],
    ["its pool drained, parked with a ticket that may be out", parked, out, DRAINED, WARM, WARM],
    ["its pool drained, planned", machine({ state: "planned" }), null, DRAINED, WARM, WARM],
  ])("%s", (_name, one, live, words, decision, want) => {
    expect(heedWords(decision, { machine: one, ticket: live, words }, pool())).toEqual(want);
  });

  it.each([
    ["forced", forced(engaged), NO_WORDS],
    ["its pool drained", parked, DRAINED],
  ] as const)("and ends nothing where the pool only observes: %s", (_name, one, words) => {
    const observing: PoolPolicy = pool({ mode: "observe" });
    expect(heedWords(WARM, { machine: one, ticket: null, words }, observing)).toEqual(WARM);
  });
});

it.each([
  ["nothing", machine(), true],
  ["a hold", held(machine()), false],
  ["a forced end", forced(machine()), false],
  ["a drain", drained(machine()), false],
] as const)("a machine about which there is %s may get tickets: %s", (_name, one, want) => {
  expect(mayGetTickets(one)).toBe(want);
});

it.each([
  [machine(), false, []],
  [held(machine()), false, ["held"]],
  [machine(), true, ["frozen"]],
  [held(machine()), true, ["held", "frozen"]],
  [forced(machine()), false, []],
] as const)("what bars an ending, row %#", (one, isFrozen, want) => {
  expect(barsToEnding(one, isFrozen)).toEqual(want);
});
