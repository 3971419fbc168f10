import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMachineId } from "../../../src/domain/ids.ts";
import { parsePodProviderId, podNameOf, podProviderId } from "../../../src/domain/pod/provider-id.ts";

const UID = "0d6f2c1a-7b9e-4c55-9f3d-2a1b3c4d5e6f";
const place = { namespace: "ci-runners", podName: "m-abcdefgh01", podUid: UID };

describe("a pod's provider id", () => {
  it("names namespace, pod and uid, and is read back as them", () => {
    expect(podProviderId(place)).toBe(`ci-runners:m-abcdefgh01:${UID}`);
    expect(parsePodProviderId(podProviderId(place))).toEqual(place);
  });

  it("holds the longest names that there are", () => {
    const longest = { namespace: "n".repeat(63), podName: "p".repeat(63), podUid: UID };
    expect(parsePodProviderId(podProviderId(longest))).toEqual(longest);
  });

  it.each([
    ["a namespace in upper case", { ...place, namespace: "CI" }],
    ["a namespace with a colon", { ...place, namespace: "a:b" }],
    ["no namespace", { ...place, namespace: "" }],
    ["a name with a dot", { ...place, podName: "a.b" }],
    ["a name that is too long", { ...place, podName: "p".repeat(64) }],
    ["a uid that is no UUID", { ...place, podUid: "1234" }],
    ["a uid in upper case", { ...place, podUid: UID.toUpperCase() }],
  ])("is not made of %s", (_name, wrong) => {
    expect(() => podProviderId(wrong)).toThrow(RangeError);
    expect(parsePodProviderId(`${wrong.namespace}:${wrong.podName}:${wrong.podUid}`)).toBeNull();
  });

  it.each([
    "i-0123456789abcdef0",
    "m-abcdefgh01",
    `a:${UID}`,
    `a:b:${UID}:`,
    `a/b/${UID}`,
    ` a:b:${UID}`,
    `a:b:${UID}\n`,
  ])("is not read from %j", (text) => expect(parsePodProviderId(text)).toBeNull());

  it("is read back as it was made, and nothing else is", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = parsePodProviderId(text);
        expect(read === null || podProviderId(read) === text).toBe(true);
      }),
    );
  });

  it("goes with a pod that is named as its machine", () => {
    expect(podNameOf(parseMachineId("m-abcdefgh01"))).toBe("m-abcdefgh01");
  });
});
