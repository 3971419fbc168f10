/** The rows `host-lost`, `job-terminal` and `forced` (its limits) of the contract's permit table, condition by condition. */
import { describe, expect, it } from "vitest";
import type { Stillness } from "../../src/domain/protocol.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import {
  type HostFacts,
  type KnownJob,
  missingForHostLost,
  missingForJobTerminal,
  missingForLimit,
  type RunnerReading,
  type SlowQuestion,
} from "../../src/domain/slow-proofs.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, holding, jobId, machine, report, START_MS, seen, ticket, ticketId, ticketState } from "./builders.ts";

const NOW_MS = START_MS + DAY_MS;
const ago = (ms: number) => NOW_MS - ms;
const away = (changes: Partial<RunnerReading> = {}): RunnerReading => ({
  awaySinceMs: ago(30 * MINUTE_MS),
  readAtMs: ago(MINUTE_MS),
  wasConnected: true,
  ...changes,
});
const over = (forMs = 15 * MINUTE_MS): KnownJob => ({
  id: jobId(),
  terminalSinceMs: ago(forMs),
  changedAtMs: ago(forMs),
});
const open: KnownJob = { id: jobId(2), terminalSinceMs: null, changedAtMs: ago(MINUTE_MS) };
const facts = (
  silentForMs: number | null,
  reading: RunnerReading | null = away(),
  jobs: readonly KnownJob[] = [over()],
): HostFacts => {
  const heardAtMs = silentForMs === null ? null : ago(silentForMs);
  const readings = new Map(reading === null ? [] : [[ticketId(), reading]]);
  return { heardAtMs, stirredAtMs: heardAtMs, readings, jobs: new Map([[ticketId(), jobs]]) };
};
const LOST = facts(20 * MINUTE_MS);
const running = ticket({ state: "running" });
const never = ticket({ state: "delivered" });
const offline = away({ wasConnected: false });

function question(changes: Partial<SlowQuestion> = {}): SlowQuestion {
  return {
    machine: machine({ state: "engaged" }),
    tickets: [running],
    facts: LOST,
    deadlines: { lostHostMs: 20 * MINUTE_MS, unknownMs: 6 * HOUR_MS },
    time: heard(DAY_MS),
    ...changes,
  };
}

type Row = readonly [name: string, question: Partial<SlowQuestion>, missing: readonly ReasonCode[]];

describe("host-lost", () => {
  it.each<Row>([
    ["silent, away in every reading, all its jobs long over", {}, []],
    ["silent, and no ticket is out", { tickets: [ticket({ state: "spent" })], facts: facts(20 * MINUTE_MS, null) }, []],
    [
      "its ticket was never online, by its agent and by GitHub",
      { tickets: [never], facts: facts(20 * MINUTE_MS, offline, []) },
      [],
    ],
    ["unheard-of since we could hear, long enough", { facts: facts(null) }, []],
  ])("holds: %s", (_name, changes, missing) => {
    expect(missingForHostLost(question(changes))).toEqual(missing);
  });

  it.each<Row>([
    [
      "its row is younger than that, whoever heard it",
      { facts: facts(null), machine: { ...machine({ state: "engaged" }), createdAtMs: ago(20 * MINUTE_MS - 1) } },
      ["host-not-silent"],
    ],
    ["it was heard a moment sooner", { facts: facts(20 * MINUTE_MS - 1) }, ["host-not-silent"]],
    [
      "somebody was refused as it: somebody is there",
      { facts: { ...LOST, stirredAtMs: ago(MINUTE_MS) } },
      ["host-not-silent"],
    ],
    [
      "we could not have heard",
      { time: { nowMs: NOW_MS, heardSinceMs: ago(19 * MINUTE_MS) } },
      ["host-not-silent", "github-says-away-too-short"],
    ],
    ["GitHub was never asked", { facts: facts(20 * MINUTE_MS, null) }, ["github-not-read"]],
    [
      "GitHub's last answer is old",
      { facts: facts(20 * MINUTE_MS, away({ readAtMs: ago(5 * MINUTE_MS + 1) })) },
      ["github-not-read"],
    ],
    ["one reading said online", { facts: facts(20 * MINUTE_MS, away({ awaySinceMs: null })) }, ["github-says-online"]],
    [
      "away for less than half an hour",
      { facts: facts(20 * MINUTE_MS, away({ awaySinceMs: ago(30 * MINUTE_MS - 1) })) },
      ["github-says-away-too-short"],
    ],
    ["no job of it is known", { facts: facts(20 * MINUTE_MS, away(), []) }, ["no-job-known"]],
    ["one of its jobs is not over", { facts: facts(20 * MINUTE_MS, away(), [over(), open]) }, ["job-not-terminal"]],
    [
      "its job is over for less than 15 minutes",
      { facts: facts(20 * MINUTE_MS, away(), [over(15 * MINUTE_MS - 1)]) },
      ["job-not-terminal"],
    ],
    [
      "its agent once said online, whatever GitHub says",
      { tickets: [{ ...never, wasOnline: true }], facts: facts(20 * MINUTE_MS, offline, []) },
      ["no-job-known"],
    ],
    [
      "GitHub once saw it connect, whatever its agent said",
      { tickets: [never], facts: facts(20 * MINUTE_MS, away(), []) },
      ["no-job-known"],
    ],
    [
      "never online, but a job of it is known",
      { tickets: [never], facts: facts(20 * MINUTE_MS, offline, [open]) },
      ["job-not-terminal"],
    ],
    [
      "an adopted row with no ticket out: what it had before, nobody knows",
      { machine: machine({ state: "engaged", origin: "adopted" }), tickets: [ticket({ state: "handed-back" })] },
      ["not-ours-from-the-start"],
    ],
    [
      "an adopted row whose unknown ticket was never online",
      {
        machine: machine({ state: "engaged", origin: "adopted" }),
        tickets: [ticket({ state: "unknown" })],
        facts: facts(20 * MINUTE_MS, offline, []),
      },
      ["no-job-known"],
    ],
    [
      "a restored row with no ticket out",
      { machine: machine({ state: "parked", origin: "restored" }), tickets: [] },
      ["not-ours-from-the-start"],
    ],
    [
      "fewer tickets than were given: the list is not whole",
      { machine: machine({ state: "engaged", ticketsGiven: 2 }) },
      ["ticket-not-over"],
    ],
  ])("does not hold: %s", (_name, changes, missing) => {
    expect(missingForHostLost(question(changes))).toEqual(missing);
  });

  it("holds for an adopted row whose jobs are known and all over", () => {
    const adopted = machine({ state: "engaged", origin: "adopted" });
    expect(missingForHostLost(question({ machine: adopted, tickets: [ticket({ state: "unknown" })] }))).toEqual([]);
  });
});

const still = (changes: Partial<Stillness> = {}) =>
  machine({
    state: "engaged",
    report: {
      ...holding(ticketId(), "running"),
      stillness: { isLeaseOld: true, isWorkerStill: true, areLogsSaved: true, ...changes },
    },
  });
const present = facts(30 * SECOND_MS);

describe("job-terminal", () => {
  const ask = (changes: Partial<SlowQuestion> = {}) =>
    missingForJobTerminal(question({ machine: still(), facts: present, ...changes }));

  it("holds where all jobs are over for 15 minutes and the host, heard just now, is still", () => {
    expect(ask()).toEqual([]);
  });

  it.each<Row>([
    ["the agent was not heard in the last minute", { facts: facts(MINUTE_MS) }, ["agent-silent"]],
    ["its word is from the future: the clock was set back", { facts: facts(-2 * MINUTE_MS) }, ["agent-silent"]],
    ["no job is known", { facts: facts(0, away(), []) }, ["no-job-known"]],
    ["one job is not over", { facts: facts(0, away(), [over(), open]) }, ["job-not-terminal"]],
    ["its job is over for too short", { facts: facts(0, away(), [over(15 * MINUTE_MS - 1)]) }, ["job-not-terminal"]],
    ["the lease was renewed lately", { machine: still({ isLeaseOld: false }) }, ["still-moves"]],
    ["the Worker's tree works", { machine: still({ isWorkerStill: false }) }, ["still-moves"]],
    ["diagnostics are not saved", { machine: still({ areLogsSaved: false }) }, ["logs-not-saved"]],
    [
      "the host does not say",
      { machine: machine({ state: "engaged", report: holding(ticketId(), "running") }) },
      ["still-moves"],
    ],
    [
      "what the host says is of another ticket",
      { machine: { ...still(), report: { ...still().report!, ticket: { id: ticketId(2), step: "running" } } } },
      ["still-moves"],
    ],
    [
      "the host cannot look",
      { machine: { ...still(), report: { ...still().report!, sighting: { kind: "unknown", why: "hidepid" } } } },
      ["host-unreadable"],
    ],
    ["no ticket is out: it ends as parked", { tickets: [ticket({ state: "spent" })] }, ["no-job-known", "still-moves"]],
  ])("does not hold: %s", (_name, changes, missing) => {
    const { machine: row = still(), ...rest } = changes;
    const isOut = rest.tickets === undefined;
    const got = ask({ machine: row, ...rest });
    expect(got).toEqual(isOut ? missing : missing.slice(0, 1));
  });
});

describe("the limits past which an ending is forced", () => {
  it("unknown-host: nobody could tell for `deadlines.unknown`, and GitHub sees nobody there", () => {
    const ask = (changes: Partial<SlowQuestion>) => missingForLimit("unknown-host", question(changes));
    expect(ask({ facts: facts(6 * HOUR_MS, away(), []) })).toEqual([]);
    expect(ask({ facts: facts(6 * HOUR_MS - 1, away(), []) })).toEqual(["host-not-silent"]);
    expect(ask({ facts: facts(6 * HOUR_MS, away({ awaySinceMs: null }), []) })).toEqual(["github-says-online"]);
    expect(ask({ facts: facts(6 * HOUR_MS, null, []) })).toEqual(["github-not-read"]);
  });

  it("unknown-host: not of a machine that was adopted a moment ago, and heard by another process alone", () => {
    const adopted = { ...machine({ state: "parked" }), origin: "adopted" as const, createdAtMs: ago(17 * SECOND_MS) };
    const tickets = [ticket({ state: "handed-back", registration: "none" })];
    const asked = question({ machine: adopted, tickets, facts: facts(null) });
    expect(missingForLimit("unknown-host", asked)).toEqual(["host-not-silent"]);
  });

  it("counts no row from the future: the clock was set back, and heard time begins there", () => {
    const createdAtMs = NOW_MS + HOUR_MS;
    const asked = question({ machine: { ...machine({ state: "engaged" }), createdAtMs }, facts: facts(null) });
    expect(missingForHostLost(asked)).toEqual([]);
  });

  it("unknown-host: never, with `deadlines.unknown: 0s`", () => {
    const deadlines = { lostHostMs: 20 * MINUTE_MS, unknownMs: 0 };
    const all = question({ deadlines, facts: facts(20 * HOUR_MS, away(), []) });
    expect(missingForLimit("unknown-host", all)).toEqual(["unknown-kept"]);
  });

  it("works-on: an hour after its last job was over", () => {
    const ask = (jobs: readonly KnownJob[]) => missingForLimit("works-on", question({ facts: facts(0, null, jobs) }));
    expect(ask([over(60 * MINUTE_MS)])).toEqual([]);
    expect(ask([over(60 * MINUTE_MS - 1)])).toEqual(["job-not-terminal"]);
    expect(ask([over(2 * HOUR_MS), open])).toEqual(["job-not-terminal"]);
    expect(ask([])).toEqual(["no-job-known"]);
  });

  it("nameless-job: GitHub's own five days, six hours of which we could have heard", () => {
    const at = (sinceMs: number, heardSinceMs = 0, jobs: readonly KnownJob[] = []) => {
      const tickets = [ticket({ state: ticketState("running", sinceMs) })];
      const time = { nowMs: NOW_MS, heardSinceMs };
      return missingForLimit("nameless-job", question({ tickets, time, facts: facts(0, null, jobs) }));
    };
    expect(at(ago(5 * DAY_MS))).toEqual([]);
    expect(at(ago(5 * DAY_MS - 1))).toEqual(["deadline-not-past"]);
    expect(at(ago(5 * DAY_MS), ago(6 * HOUR_MS - 1))).toEqual(["deadline-not-past"]);
    expect(at(ago(9 * DAY_MS), 0, [open])).toEqual(["job-not-terminal"]);
    expect(at(ago(9 * DAY_MS), 0, [{ ...open, changedAtMs: ago(5 * DAY_MS + HOUR_MS) }])).toEqual([]);
  });

  it.each(["delivered", "online", "handing-back"] as const)(
    "works-on, nameless-job: not for a listener that is %s and whose host speaks, for it could take its first job now",
    (state) => {
      const tickets = [ticket({ state: ticketState(state, ago(9 * DAY_MS)) })];
      const ask = (limit: "works-on" | "nameless-job", silentForMs: number, jobs: readonly KnownJob[]) =>
        missingForLimit(limit, question({ tickets, time: heard(DAY_MS), facts: facts(silentForMs, null, jobs) }));
      expect(ask("works-on", 0, [over(HOUR_MS)])).toEqual(["ticket-out"]);
      expect(ask("nameless-job", 0, [])).toEqual(["ticket-out"]);
      expect(ask("works-on", 20 * MINUTE_MS, [over(HOUR_MS)])).toEqual([]);
      expect(ask("nameless-job", 20 * MINUTE_MS, [])).toEqual([]);
    },
  );

  it("none of them is past for a machine without a ticket out", () => {
    const none = question({
      tickets: [ticket({ state: "spent" })],
      machine: machine({ report: report({ sighting: seen() }) }),
    });
    expect(missingForLimit("works-on", none)).not.toEqual([]);
    expect(missingForLimit("nameless-job", none)).not.toEqual([]);
  });
});
