import { describe, expect, it } from "vitest";
import { readInstanceIdentity } from "../../../src/http/agents/instance-identity.ts";
import { openSigned } from "../../../src/http/agents/signed-message.ts";
import {
  BY_ANOTHER,
  BY_SHA1,
  CERTIFICATE,
  DETACHED,
  OTHER_CERTIFICATE,
  SIGNED,
  STREAMED,
  WITHOUT_ATTRIBUTES,
} from "./signed-documents.ts";

const AUTHORITY = { region: "eu-central-1", certificates: [CERTIFICATE] };
const INSTANCE = { instanceId: "i-0123456789abcdef0", region: "eu-central-1", accountId: "123456789012" };

describe("an identity document", () => {
  it.each([
    ["with signed attributes", SIGNED],
    ["in parts of no told length", STREAMED],
    ["signed as it is", WITHOUT_ATTRIBUTES],
    ["with the line ends of the metadata service", SIGNED.replaceAll(/(.{64})/g, "$1\n")],
  ])("names its instance: %s", (_name, signed) => {
    expect(readInstanceIdentity(signed, [AUTHORITY])).toEqual(INSTANCE);
  });

  it.each([
    ["another's signature", BY_ANOTHER],
    ["a hash that can be forged", BY_SHA1],
    ["no content inside", DETACHED],
    ["nothing", ""],
    ["what is no message", Buffer.from('{"instanceId":"i-0123456789abcdef0"}').toString("base64")],
    ["a message that is too long", Buffer.alloc(40_000, 0x30).toString("base64")],
    ["a message of too many parts", Buffer.alloc(4_000, 0x30).toString("base64")],
  ])("is believed for nobody: %s", (_name, signed) => {
    expect(readInstanceIdentity(signed, [AUTHORITY])).toBeNull();
  });

  it("is believed only for the region whose certificate it holds by", () => {
    expect(readInstanceIdentity(SIGNED, [{ ...AUTHORITY, region: "us-east-1" }])).toBeNull();
    expect(readInstanceIdentity(SIGNED, [{ ...AUTHORITY, certificates: [OTHER_CERTIFICATE] }])).toBeNull();
    expect(readInstanceIdentity(SIGNED, [])).toBeNull();
    const others = [{ region: "us-east-1", certificates: [OTHER_CERTIFICATE] }, AUTHORITY];
    expect(readInstanceIdentity(SIGNED, others)).toEqual(INSTANCE);
  });

  it.each([
    ["with signed attributes", SIGNED],
    ["in parts", STREAMED],
    ["signed as it is", WITHOUT_ATTRIBUTES],
  ])("is not believed with any of its octets changed, and read without harm: %s", (_name, signed) => {
    const bytes = Buffer.from(signed, "base64");
    const content = openSigned(bytes, [CERTIFICATE]);
    for (const [index, byte] of bytes.entries()) {
      const changed = Buffer.from(bytes);
      changed[index] = byte ^ 0x01;
      const opened = openSigned(changed, [CERTIFICATE]);
      // Words beside the content, such as who signed, are no part of what is signed.
      if (opened !== null) expect(opened).toEqual(content);
    }
  });

  it("is not believed where it is cut off, wherever that is", () => {
    const bytes = Buffer.from(SIGNED, "base64");
    for (let length = 0; length < bytes.length; length += 1)
      expect(openSigned(bytes.subarray(0, length), [CERTIFICATE])).toBeNull();
  });
});
