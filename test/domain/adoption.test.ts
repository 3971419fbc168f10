import { describe, expect, it } from "vitest";
import { NOWHERE, presumeTicket } from "../../src/domain/adoption.ts";
import { ticket } from "./builders.ts";

describe("a ticket that may have left us after all", () => {
  it("is looked for by its runner's name, though its row says that nobody asked for its registration", () => {
    const after = presumeTicket({ ...ticket({ state: "minting" }), registration: "none" }, 5);
    expect(after).toMatchObject({ registration: "unknown", state: { kind: "unknown", sinceMs: 5 } });
  });

  it("is looked for nowhere where nobody knows the place", () => {
    const nowhere = { ...ticket({ state: "lost" }), ...NOWHERE, registration: "none" } as const;
    expect(presumeTicket(nowhere, 5).registration).toBe("none");
  });

  it("keeps what its row knows", () => {
    const known = { ...ticket({ state: "lost" }), registration: "gone" } as const;
    expect(presumeTicket(known, 5).registration).toBe("gone");
  });
});
