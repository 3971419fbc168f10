/**
 * "No sequence of inputs yields a permit while a ticket may be out and the host has not spoken" (provider-dead and forced
 * excepted), asked of the truth: `permit-truth.ts` knows what the host holds and what is on the wire.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { issuePermit } from "../../src/domain/permit.ts";
import { isTicketOver } from "../../src/domain/ticket.ts";
import { DEEDS, type Deed, type Issue, MachineWorld, Violation } from "./permit-truth.ts";
import { always, canFail } from "./property.ts";

const RUNS = 10_000;
const LATEST = -1;

function scene(...deeds: readonly (Deed["what"] | readonly [what: Deed["what"], pick: number])[]): readonly Deed[] {
  return deeds.map((deed) =>
    typeof deed === "string" ? { what: deed, pick: LATEST } : { what: deed[0], pick: deed[1] },
  );
}

const say = scene("the agent reports", "a message arrives", "the last report is attended to");
const hear = scene("an answer arrives");
const boot = [
  ...scene("the provider answers", "the agent starts", "a message arrives", "the agent reads its journal"),
  ...say,
];
const poll = scene("a ticket is made", "the agent polls", "a message arrives");
const job = scene("the runner goes on", "the runner goes on", "the runner goes on");
const permitBy = (proof: number) => scene(["a permit is asked for", proof], "a permit is used");

/** How things go when all goes well, in the parts between which something else may come. */
const SCENES: readonly (readonly Deed[])[] = [
  say,
  hear,
  poll,
  [...poll, ...hear, ...job, ...say],
  job,
  [...scene("the row retires"), ...say, ...permitBy(0)],
  [...scene(["time passes", 2], "the row retires"), ...permitBy(1)],
  [...permitBy(0), ...permitBy(1), ...permitBy(2), ...permitBy(3)],
];

/** A story leaves out what it likes, and puts anything between. */
const inPart = fc
  .constantFrom(boot, ...SCENES)
  .chain((deeds) => fc.subarray([...deeds], { minLength: deeds.length - 1 }));
const anything = fc.array(fc.record({ what: fc.constantFrom(...DEEDS), pick: fc.nat(11) }), { maxLength: 4 });
const opening = fc.oneof({ weight: 3, arbitrary: fc.constant(boot) }, { weight: 1, arbitrary: inPart });
const middle = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...SCENES) },
  { weight: 2, arbitrary: inPart },
  { weight: 2, arbitrary: anything },
);
const deeds = fc
  .tuple(opening, fc.array(middle, { minLength: 3, maxLength: 14, size: "max" }))
  .map(([first, rest]) => [first, ...rest].flat());

/** @returns how many permits were granted, by proof. @throws {Violation} */
function play(issue: Issue, story: readonly Deed[]): MachineWorld["granted"] {
  const world = new MachineWorld(issue);
  for (const deed of story) world.do(deed);
  return world.granted;
}

/** Whether some story makes this way of issuing permits end a machine that could still run a job. */
function kills(issue: Issue): boolean {
  const property = fc.property(deeds, (story) => {
    try {
      play(issue, story);
    } catch (error) {
      if (error instanceof Violation) return false;
      throw error;
    }
    return true;
  });
  return canFail(property, RUNS);
}

it("no permit is granted or used while a ticket may be out and the host has not spoken", () => {
  const granted = new Map<string, number>();
  const property = fc.property(deeds, (story) => {
    for (const [proof, count] of play(issuePermit, story)) granted.set(proof, (granted.get(proof) ?? 0) + count);
  });
  always(property, RUNS);
  // A model in which nothing is ever permitted would agree with everything.
  for (const proof of ["parked", "parked after a job", "never-engaged", "provider-dead"])
    expect(granted.get(proof) ?? 0, proof).toBeGreaterThan(20);
});

/** Without the number of tickets given, by which a list that is not whole is noticed. */
function uncounted({ machine }: Parameters<Issue>[0]): Parameters<Issue>[0]["machine"] {
  return { ...machine, ticketsGiven: 0 };
}

describe("the model finds the permit that kills, where one looks only", () => {
  it.each<readonly [string, Issue]>([
    [
      "at the agent's word, and not at the tickets that may be on their way",
      (request) => issuePermit({ ...request, machine: uncounted(request), tickets: [] }),
    ],
    [
      "at tickets that our store believes to be running",
      (request) =>
        issuePermit({
          ...request,
          machine: uncounted(request),
          tickets: request.tickets.filter(({ state }) => state.kind === "running"),
        }),
    ],
    [
      "at the last ticket but one",
      (request) => issuePermit({ ...request, machine: uncounted(request), tickets: request.tickets.slice(0, -1) }),
    ],
    [
      "at the boot deadline, and not at who has reported",
      (request) =>
        issuePermit({
          ...request,
          machine: { ...request.machine, isAgentSeen: false, incarnation: null, ticketsGiven: 0 },
          tickets: request.tickets.filter(isTicketOver).filter(({ state }) => state.kind === "void"),
        }),
    ],
    [
      "at somebody's death, and not at whose",
      (request) =>
        issuePermit(
          request.proof.kind === "provider-dead"
            ? { ...request, proof: { kind: "forced", operator: "x", reason: "dead" } }
            : request,
        ),
    ],
  ])("%s", (_name, issue) => {
    expect(kills(issue)).toBe(true);
  });
});
