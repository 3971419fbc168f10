import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/adapters/github/client.ts";
import { Memory } from "../../../src/adapters/github/remembered.ts";

function answer(etag: string | null, characterCount = 10, status = 200): Answer {
  return { status, headers: new Headers(etag === null ? {} : { etag }), json: { etag }, characterCount };
}

describe("memory of answers", () => {
  it.each([
    ["without an ETag", answer(null)],
    ["that is no 200", answer('"a"', 10, 404)],
    ["that is larger than all of it", answer('"a"', 32_000_001)],
  ])("keeps none %s, nor the one before it", (_name, next) => {
    const memory = new Memory();
    memory.keep("acme", "/a", answer('"old"'));
    memory.keep("acme", "/a", next);
    expect(memory.recall("acme", "/a")).toBeNull();
  });

  it("keeps accounts apart", () => {
    const memory = new Memory();
    memory.keep("Acme", "/a", answer('"a"'));
    expect(memory.recall("acme", "/a")?.etag).toBe('"a"');
    expect(memory.recall("other", "/a")).toBeNull();
  });

  it.each([
    ["number", 10, 2_000],
    ["size", 8_000_000, 4],
  ])("is bounded by %s: the longest unused goes first", (_name, characterCount, roomCount) => {
    const memory = new Memory();
    const url = (number: number) => `/${number}`;
    for (let number = 0; number < roomCount; number += 1)
      memory.keep("acme", url(number), answer('"a"', characterCount));
    expect(memory.recall("acme", url(0))).not.toBeNull();
    memory.keep("acme", url(roomCount), answer('"a"', characterCount));
    expect(memory.recall("acme", url(0))).not.toBeNull();
    expect(memory.recall("acme", url(1))).toBeNull();
    expect(memory.recall("acme", url(roomCount))).not.toBeNull();
  });

  it("one that is replaced counts once", () => {
    const memory = new Memory();
    memory.keep("acme", "/other", answer('"a"', 1));
    for (let count = 0; count < 10; count += 1) memory.keep("acme", "/a", answer('"a"', 16_000_000));
    expect(memory.recall("acme", "/other")).not.toBeNull();
  });
});
