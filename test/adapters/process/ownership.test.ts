import { describe, expect, it } from "vitest";
import { attributeProcesses, parseMark } from "../../../src/adapters/process/ownership.ts";
import { identityOf, type ProcessEntry } from "../../../src/adapters/process/process-table.ts";
import { type MachineId, parseControllerId } from "../../../src/domain/ids.ts";
import { machineId } from "../../domain/builders.ts";

const CONTROLLER = parseControllerId("main");
const [A, B] = [machineId(1), machineId(2)];
const OWN_PID = 100;

/** @param mark a machine of ours, another text, or null. */
function entry(
  pid: number,
  parentPid: number,
  mark: string | null,
  overrides: Partial<ProcessEntry> = {},
): ProcessEntry {
  const text = mark === A || mark === B ? `main/${mark}` : mark;
  return { pid, parentPid, sessionId: pid, startedAt: pid, mark: text, ...overrides };
}

type Row = readonly [name: string, table: readonly ProcessEntry[], pidsOfA: readonly number[]];

const rows: readonly Row[] = [
  ["a marked process", [entry(200, 1, A)], [200]],
  ["its child without a mark", [entry(200, 1, A), entry(201, 200, null)], [200, 201]],
  [
    "its grandchild through an unmarked parent",
    [entry(200, 1, A), entry(201, 200, null), entry(202, 201, null)],
    [200, 201, 202],
  ],
  [
    "a child that was read before its parent",
    [entry(300, 400, null, { startedAt: 9 }), entry(400, 1, A, { startedAt: 5 })],
    [400, 300],
  ],
  ["an unmarked member of its session", [entry(200, 1, A), entry(201, 1, null, { sessionId: 200 })], [200, 201]],
  ["not one of a session whose leader is unmarked", [entry(50, 1, null), entry(200, 50, A, { sessionId: 50 })], [200]],
  ["not a stranger", [entry(200, 1, A), entry(201, 1, null)], [200]],
  ["not what another controller marked", [entry(200, 1, `other/${A}`)], []],
  ["but what another controller marked below us", [entry(200, 1, A), entry(201, 200, `other/${B}`)], [200, 201]],
  [
    "not what carries another machine's mark, nor its children",
    [entry(200, 1, A), entry(201, 200, B), entry(202, 201, null)],
    [200],
  ],
  [
    "not this controller, nor its unmarked children",
    [entry(99, 1, A), entry(OWN_PID, 99, A), entry(101, OWN_PID, null)],
    [99],
  ],
  ["but a launcher of this controller", [entry(OWN_PID, 1, null), entry(101, OWN_PID, A)], [101]],
  [
    "not a child of a pid that was given out again since",
    [entry(200, 1, A, { startedAt: 900 }), entry(201, 200, null)],
    [200],
  ],
  [
    "and ends on a ring of parents",
    [entry(200, 201, null, { startedAt: 5 }), entry(201, 200, null, { startedAt: 5 })],
    [],
  ],
];

describe("belonging to machine A", () => {
  it.each(rows)("%s", (_name, table, pidsOfA) => {
    const members = attributeProcesses(table, { controllerId: CONTROLLER, ownPid: OWN_PID, known: new Map() });
    expect((members.get(A) ?? []).map(({ pid }) => pid)).toEqual(pidsOfA);
  });

  it("stays with what was known, once every trace is gone, for the same process only", () => {
    const daemon = entry(300, 1, null);
    const known = new Map<string, MachineId>([[identityOf(daemon), A]]);
    const scope = { controllerId: CONTROLLER, ownPid: OWN_PID, known };
    expect(attributeProcesses([daemon], scope).get(A)).toEqual([daemon]);
    expect(attributeProcesses([{ ...daemon, startedAt: 301 }], scope).size).toBe(0);
  });
});

describe("parseMark", () => {
  it.each<readonly [mark: string | null, machine: MachineId | null]>([
    [`main/${A}`, A],
    [`mainly/${A}`, null],
    [`main/${A}/x`, null],
    ["main/../etc", null],
    ["main/", null],
    ["", null],
    [null, null],
  ])("%s", (mark, machine) => {
    expect(parseMark(mark, CONTROLLER)).toBe(machine);
  });
});
