import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withSelfUpdateOff } from "../../../src/adapters/github/jit-config.ts";

const encode = (text: string) => Buffer.from(text).toString("base64");
const decode = (text: string) => Buffer.from(text, "base64").toString();
const pack = (files: Readonly<Record<string, unknown>>) => encode(JSON.stringify(files));
const unpack = (config: string | null): Record<string, string> => JSON.parse(decode(config ?? ""));

describe("switching the runner's self-update off", () => {
  it.each([
    ["it was off", '{"AgentId":1,"DisableUpdate":false,"PoolId":1}', '{"AgentId":1,"DisableUpdate":true,"PoolId":1}'],
    ["it is on", '{"DisableUpdate":true}', '{"DisableUpdate":true}'],
    ["as a text", '{"AgentId":"1","DisableUpdate":"False"}', '{"AgentId":"1","DisableUpdate":true}'],
    ["it was null", '{"DisableUpdate":null}', '{"DisableUpdate":true}'],
    ["in another case", '{"disableUpdate":false}', '{"disableUpdate":true}'],
    ["it was not there", '{"AgentId":1}', '{"DisableUpdate":true,"AgentId":1}'],
    ["nothing was there", "{}", '{"DisableUpdate":true}'],
    ["white space is kept", '{\r\n  "DisableUpdate" : false\r\n}', '{\r\n  "DisableUpdate" : true\r\n}'],
    ["a byte order mark is kept", '\uFEFF{"DisableUpdate":false}', '\uFEFF{"DisableUpdate":true}'],
    [
      "numbers beyond JavaScript's are kept",
      '{"AgentId":9007199254740993123}',
      '{"DisableUpdate":true,"AgentId":9007199254740993123}',
    ],
  ])("%s", (_name, before, after) => {
    const files = { ".credentials": encode('{"a": 1.0}'), ".runner": encode(before), ".credentials_rsaparams": "AA==" };
    const changed = unpack(withSelfUpdateOff(pack(files)));
    expect(decode(changed[".runner"] ?? "")).toBe(after);
    expect({ ...changed, ".runner": files[".runner"] }).toEqual(files);
    expect(Object.keys(changed)).toEqual(Object.keys(files));
  });

  it("keeps every other file as it was, whatever is in it", () => {
    const name = fc.string({ minLength: 1 }).filter((text) => text !== ".runner" && text !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), fc.dictionary(fc.string(), fc.jsonValue()), (others, settings) => {
        const { DisableUpdate: _known, ...rest } = settings;
        fc.pre(!Object.keys(rest).some((key) => key.toLowerCase() === "disableupdate" || key === "__proto__"));
        const changed = withSelfUpdateOff(pack({ ...others, ".runner": encode(JSON.stringify(rest)) }));
        const { ".runner": runner, ...kept } = unpack(changed);
        expect(kept).toEqual(JSON.parse(JSON.stringify(others)));
        expect(JSON.parse(decode(runner ?? ""))).toEqual(JSON.parse(JSON.stringify({ ...rest, DisableUpdate: true })));
      }),
    );
  });

  it.each([
    ["not base64", "%%%"],
    ["not JSON", encode("hello")],
    ["not an object", encode("[1]")],
    ["without settings", pack({ ".credentials": "AA==" })],
    ["settings that are no text", pack({ ".runner": { DisableUpdate: false } })],
    ["settings that are not base64", pack({ ".runner": "%%%" })],
    ["settings that are not JSON", pack({ ".runner": encode("<xml/>") })],
    [
      "the key deeper first, where its text cannot be told",
      pack({ ".runner": encode('{"a":{"DisableUpdate":false},"DisableUpdate":false}') }),
    ],
    ["a value of another kind", pack({ ".runner": encode('{"DisableUpdate":{"value":false}}') })],
    ["nothing", ""],
  ])("leaves alone what it does not know: %s", (_name, config) => {
    expect(withSelfUpdateOff(config)).toBeNull();
  });
});
