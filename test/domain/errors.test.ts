import { describe, expect, it } from "vitest";
import { ERRORS, GitHubError, HoldfastError, ProviderError } from "../../src/domain/errors.ts";
import { InvariantError, invariant, unreachable } from "../../src/domain/invariant.ts";

describe("the catalogue of errors", () => {
  it.each(Object.entries(ERRORS))("%s: two sentences that a person can act on", (code, { sentence, mend }) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(sentence).toMatch(/^[A-Z].{10,}\.$/);
    expect(mend).toMatch(/^[A-Z`].{5,}\.$/);
  });

  it("says no sentence twice", () => {
    const sentences = Object.values(ERRORS).map(({ sentence }) => sentence);
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});

describe("an error", () => {
  const cause = new Error("connection reset");

  it("has a code from the catalogue, says what was attempted, and chains the cause without pasting it", () => {
    const error = new HoldfastError("store-unavailable", "opening the store", { cause });
    expect(error).toMatchObject({
      name: "HoldfastError",
      code: "store-unavailable",
      message: "opening the store",
      cause,
    });
  });

  it("of GitHub carries the wait that GitHub asked for", () => {
    const error = new GitHubError("github-rate-limited", "minting a ticket", { cause, retryAfterMs: 7_000 });
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ name: "GitHubError", code: "github-rate-limited", retryAfterMs: 7_000, cause });
  });

  it("of GitHub without a wait says so by null, not by zero", () => {
    expect(new GitHubError("github-unavailable", "minting a ticket").retryAfterMs).toBeNull();
  });

  it("of a provider keeps its own closed set of codes", () => {
    const error = new ProviderError("provider-capacity", "launching 3 machines", { cause });
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ name: "ProviderError", code: "provider-capacity", cause });
  });
});

describe("an invariant", () => {
  it("that holds is silent", () => {
    expect(() => invariant(true, "one is one")).not.toThrow();
  });

  it("that is broken throws what was stated, as an error of its own that no expected-error handler takes", () => {
    expect(() => invariant(false, "one is two")).toThrow(new InvariantError("broken invariant: one is two"));
    expect(new InvariantError("x")).not.toBeInstanceOf(HoldfastError);
  });

  it("of a switch without its case throws too", () => {
    // A case that the types say cannot be.
    expect(() => unreachable("new" as never)).toThrow(InvariantError);
  });
});
