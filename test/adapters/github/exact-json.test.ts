import { expect, it } from "vitest";
import { parseExactly } from "../../../src/adapters/github/exact-json.ts";

it.each<readonly [string, string, unknown]>([
  ["the last whole number that JavaScript carries", "9007199254740991", 9007199254740991],
  ["the first that it does not", "9007199254740993", "9007199254740993"],
  ["a negative one", "-9007199254740993", "-9007199254740993"],
  ["the last of 64 bits, deep inside", '{"a":[{"id":9223372036854775807}]}', { a: [{ id: "9223372036854775807" }] }],
  ["a fraction", '{"duration":0.27}', { duration: 0.27 }],
  ["a fraction of a large one", "9007199254740993.5", 9007199254740994],
  ["an exponent", "1e300", 1e300],
  ["a text that looks like one", '"9007199254740993"', "9007199254740993"],
  ["all else", '[null,true,"x",{}]', [null, true, "x", {}]],
])("%s", (_name, text, value) => {
  expect(parseExactly(text)).toEqual(value);
});

it("refuses what is no JSON", () => {
  expect(() => parseExactly('{"id":')).toThrow(SyntaxError);
});
