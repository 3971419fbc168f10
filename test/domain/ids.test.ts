import { describe, expect, it } from "vitest";
import {
  isName,
  parseConnectionName,
  parseControllerId,
  parseDeliveryId,
  parseIncarnationId,
  parseJobId,
  parseLaunchId,
  parseLeaseEpoch,
  parseMachineId,
  parsePoolName,
  parseProviderId,
  parseRunnerId,
  parseTicketId,
} from "../../src/domain/ids.ts";

type Door = (raw: string) => unknown;
type Row = readonly [name: string, door: Door, raw: string];

describe("each door lets in", () => {
  it.each<Row>([
    ["a pool's name", parsePoolName, "linux-x64"],
    ["a name of one letter", parsePoolName, "a"],
    ["a name of 30", parseControllerId, "c".repeat(30)],
    ["a connection's name that starts with a digit", parseConnectionName, "2nd"],
    ["a machine id", parseMachineId, "m-0a1b2c3d"],
    ["a ticket id of 32", parseTicketId, `t-${"z".repeat(32)}`],
    ["a launch id", parseLaunchId, "l-00000001"],
    ["an instance id", parseProviderId, "i-0123456789abcdef0"],
    ["a pod's uid", parseProviderId, "2b6f1c1e-6b0f-4a0e-9a60-3a1f1b1f0c11"],
    ["an incarnation of 128", parseIncarnationId, "A".repeat(128)],
    ["a delivery's GUID", parseDeliveryId, "72d3162e-cc78-11e3-81ab-4c9367dc0958"],
  ])("%s", (_name, door, raw) => {
    expect(door(raw)).toBe(raw);
  });

  it.each([0, 1, Number.MAX_SAFE_INTEGER])("the number %d", (value) => {
    expect([parseJobId(value), parseRunnerId(value), parseLeaseEpoch(value)]).toEqual([value, value, value]);
  });
});

describe("each door keeps out", () => {
  it.each<Row>([
    ["nothing", parsePoolName, ""],
    ["capitals in a name", parsePoolName, "Linux"],
    ["a name of 31", parsePoolName, "a".repeat(31)],
    ["a hyphen at the start", parsePoolName, "-linux"],
    ["a hyphen at the end", parsePoolName, "linux-"],
    ["a slash in a name: it becomes part of a folder", parseControllerId, "a/b"],
    ["dots that climb", parseProviderId, "../../etc"],
    ["a line break after a sound name", parsePoolName, "linux\n"],
    ["a line break inside a token", parseIncarnationId, "a\nb"],
    ["another kind's id: a ticket as a machine", parseMachineId, "t-00000001"],
    ["another kind's id: a machine as a launch", parseLaunchId, "m-00000001"],
    ["too short an id", parseTicketId, "t-1234567"],
    ["too long an id", parseTicketId, `t-${"1".repeat(33)}`],
    ["capitals in an id", parseMachineId, "m-ABCDEFGH"],
    ["a token of 129", parseDeliveryId, "a".repeat(129)],
    ["a blank in a token", parseDeliveryId, "a b"],
  ])("%s", (_name, door, raw) => {
    expect(() => door(raw)).toThrow(RangeError);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1])("the number %d", (value) => {
    expect(() => parseJobId(value)).toThrow(RangeError);
    expect(() => parseRunnerId(value)).toThrow(RangeError);
    expect(() => parseLeaseEpoch(value)).toThrow(RangeError);
  });

  it("and its message is bounded, whatever came in", () => {
    expect(() => parseMachineId("x".repeat(100_000))).toThrow(/^not a machine id: "x{80}"$/);
  });
});

it("a name is known as one without parsing it", () => {
  expect([isName("linux"), isName("Linux"), isName("linux-"), isName("a".repeat(31))]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
