import { describe, expect, it } from "vitest";
import {
  issuePermit,
  MachinePermit,
  PERMIT_LIFE_MS,
  type PermitDecision,
  RegistrationPermit,
} from "../../src/domain/permit.ts";
import type { TicketStateKind } from "../../src/domain/ticket.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import {
  connectionName,
  epoch,
  heard,
  machineId,
  providerId,
  runnerId,
  START_MS,
  ticket,
  ticketId,
} from "./builders.ts";

import { ask, BOOT_MS } from "./permit-scene.ts";

describe("a registration's permit", () => {
  const grant = (fields: Parameters<typeof ticket>[0]) =>
    issuePermit({ kind: "delete-registration", ticket: ticket(fields), epoch: epoch(4), time: heard() });

  it.each<TicketStateKind>(["void", "spent", "barren", "handed-back", "lost"])(
    "is granted: its ticket is %s",
    (state) => {
      expect(grant({ state })).toMatchObject({
        kind: "permitted",
        permit: { proof: "ticket-over", ticketId: ticketId() },
      });
    },
  );

  it.each<readonly [string, Parameters<typeof ticket>[0]]>([
    ["its ticket is minting", { state: "minting" }],
    ["its ticket is issued", { state: "issued" }],
    ["its ticket is delivered", { state: "delivered" }],
    ["its ticket is online", { state: "online" }],
    ["its ticket is running", { state: "running" }],
    ["its ticket is being handed back, and no fence has said anything", { state: "handing-back" }],
    ["its ticket is unknown", { state: "unknown" }],
    ["GitHub's id of it is not known", { state: "void", runnerId: null }],
  ])("is refused: %s", (_name, fields) => {
    expect(grant(fields)).toEqual({ kind: "refused", missing: ["registration-not-over"] });
  });

  it("names connection, scope, runner, ticket and its version, epoch and proof, and lives 30 s", () => {
    const scope = { kind: "repository", owner: "acme", repository: "widgets" } as const;
    const given = {
      state: "spent",
      version: 6,
      scope,
      connection: connectionName("ghes"),
      runnerId: runnerId(77),
    } as const;
    expect(permitOf(grant(given))).toEqual({
      kind: "delete-registration",
      connection: "ghes",
      scope,
      runnerId: 77,
      ticketId: ticketId(),
      ticketVersion: 6,
      epoch: 4,
      proof: "ticket-over",
      expiresAtMs: START_MS + 30 * SECOND_MS,
    });
  });
});

describe("a permit", () => {
  const permit = permitOf(ask());

  it("names machine, provider's id, the row's version, epoch and proof, and lives 30 s", () => {
    expect(PERMIT_LIFE_MS).toBe(30 * SECOND_MS);
    expect(permit).toEqual({
      kind: "end-machine",
      machineId: machineId(),
      providerId: providerId(),
      machineVersion: 9,
      epoch: 4,
      proof: "parked",
      isForUnstarted: false,
      expiresAtMs: START_MS + BOOT_MS + 30 * SECOND_MS,
    });
  });

  it("cannot be changed after it was made", () => {
    expect(Object.isFrozen(permit)).toBe(true);
    expect(() => Object.assign(permit, { expiresAtMs: Number.POSITIVE_INFINITY })).toThrow(TypeError);
  });

  it.each<readonly [string, unknown]>([
    ["a literal of the same shape", { ...permit }],
    ["what was written to a store and read again", JSON.parse(JSON.stringify(permit))],
    ["what was sent to another thread", structuredClone(permit)],
    [
      "what another factory gives: a registration's permit",
      permitOf(
        issuePermit({ kind: "delete-registration", ticket: ticket({ state: "spent" }), epoch: epoch(), time: heard() }),
      ),
    ],
  ])("is an instance, and %s is none", (_name, forged) => {
    expect(permit).toBeInstanceOf(MachinePermit);
    expect(permit).not.toBeInstanceOf(RegistrationPermit);
    expect(forged).not.toBeInstanceOf(MachinePermit);
  });

  it.each<readonly [string, object]>([
    ["a literal of the same shape", { ...permit }],
    ["what was sent to another thread", structuredClone(permit)],
    ["what claims its prototype", Object.assign(Object.create(MachinePermit.prototype), { ...permit })],
    ["what was made to look like one later", Object.setPrototypeOf({ ...permit }, MachinePermit.prototype)],
    ["what stands before a real one", new Proxy(permit, {})],
    ["what inherits from a real one", Object.create(permit)],
  ])("was made at the door, and %s was not", (_name, forged) => {
    expect([MachinePermit.isMade(permit), RegistrationPermit.isMade(permit)]).toEqual([true, false]);
    expect([MachinePermit.isMade(forged), RegistrationPermit.isMade(forged)]).toEqual([false, false]);
  });

  it("of a registration was made at the door, and what claims its prototype was not", () => {
    const request = { ticket: ticket({ state: "spent" }), epoch: epoch(), time: heard() };
    const made = permitOf(issuePermit({ kind: "delete-registration", ...request }));
    expect([RegistrationPermit.isMade(made), MachinePermit.isMade(made)]).toEqual([true, false]);
    const forged = Object.assign(Object.create(RegistrationPermit.prototype), { ...made });
    expect(forged).toBeInstanceOf(RegistrationPermit);
    expect(RegistrationPermit.isMade(forged)).toBe(false);
  });

  it("is made anew for each request", () => {
    expect(permitOf(ask())).not.toBe(permitOf(ask()));
  });
});

function permitOf<Permit>(decision: PermitDecision<Permit>): Permit {
  if (decision.kind === "refused") throw new Error(`refused: ${decision.missing.join(", ")}`);
  return decision.permit;
}
