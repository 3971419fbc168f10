import { describe, expect, it } from "vitest";
import { ALARM_FACTS, ALARM_KINDS, endingFact, readEndingFact } from "../../src/domain/alarm-facts.ts";
import { tellBands } from "../../src/domain/bands.ts";
import type { DecisionRecord, Evidence, EvidenceSource, Subject } from "../../src/domain/evidence.ts";
import { formatInstant } from "../../src/domain/instant.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { REASONS } from "../../src/domain/reasons.ts";
import { REFUSERS, refuserOf } from "../../src/domain/refusals.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { machineId, START_MS, ticketId } from "./builders.ts";

const MACHINE: Subject = { kind: "machine", id: machineId() };
const TICKET: Subject = { kind: "ticket", id: ticketId() };
const JOB: Subject = { kind: "job", id: "main/7" };
const at = (second: number) => START_MS + second * SECOND_MS;
const saw = (subject: Subject, second: number, fact: string, source: EvidenceSource = "agent"): Evidence => ({
  subject,
  source,
  fact,
  observedAtMs: at(second),
  confirmedAtMs: at(second),
});
const decided = (subject: Subject, second: number, action: string, reason: ReasonCode): DecisionRecord => ({
  subject,
  action,
  reason,
  decidedAtMs: at(second),
  confirmedAtMs: at(second),
});
const told = (lanes: ReturnType<typeof tellBands>) =>
  lanes.map(({ about, kind, bands }) => [
    `${about} ${kind}`,
    ...bands.map(({ word, from, until }) => {
      const second = (text: string) => (Date.parse(text) - START_MS) / SECOND_MS;
      return `${word} ${second(from)}-${until === null ? "" : second(until)}`;
    }),
  ]);

describe("bands", () => {
  it("tell a machine's whole life with its ticket's, whatever the order of what is stored", () => {
    const evidence = [
      saw(MACHINE, 20, "machine gone", "provider"),
      saw(MACHINE, 0, "machine planned in launch l-00000001", "store"),
      saw(MACHINE, 1, "machine provisioning as i-1", "provider"),
      saw(MACHINE, 2, "provider says running", "provider"),
      saw(MACHINE, 5, "machine parked"),
      saw(TICKET, 6, `ticket ${ticketId()} for job 7 on ${machineId()}`, "store"),
      saw(TICKET, 7, "ticket issued as runner 3", "github-api"),
      saw(MACHINE, 8, "ticket delivered", "store"),
      saw(TICKET, 8, "ticket delivered", "store"),
      saw(TICKET, 9, "ticket running"),
      saw(TICKET, 12, "ticket spent"),
      saw(MACHINE, 12, "machine parked"),
    ];
    const decisions = [
      decided(MACHINE, 14, "wait", "awaits-report"),
      decided(MACHINE, 13, "retire", "used-up"),
      decided(MACHINE, 3, "keep", "booting"),
    ];
    expect(told(tellBands({ evidence, decisions }))).toEqual([
      [
        `machine ${machineId()} states`,
        "planned 0-1",
        "provisioning 1-5",
        "parked 5-8",
        "engaged 8-12",
        "parked 12-13",
        "retiring 13-20",
      ],
      [`machine ${machineId()} reasons`, "booting 3-13", "used-up 13-14", "awaits-report 14-20"],
      [`ticket ${ticketId()} states`, "minting 6-7", "issued 7-8", "delivered 8-9", "running 9-12"],
    ]);
  });

  it("leave the last state open while it lasts, and end a job's with its end", () => {
    const evidence = [saw(JOB, 0, "job queued", "github-webhook")];
    const decisions = [decided(JOB, 1, "wait", "at-max")];
    expect(told(tellBands({ evidence, decisions }))).toEqual([
      ["job 7 states", "queued 0-"],
      ["job 7 reasons", "at-max 1-"],
    ]);
    const over = [...evidence, saw(JOB, 5, "job in progress on r"), saw(JOB, 9, "job completed: success on r")];
    expect(told(tellBands({ evidence: over, decisions }))).toEqual([
      ["job 7 states", "queued 0-5", "in_progress 5-9"],
      ["job 7 reasons", "at-max 1-9"],
    ]);
  });

  it("tell a host that was asked for its ticket and kept it, and a machine that went on after all", () => {
    const evidence = [
      saw(TICKET, 0, "ticket online"),
      saw(TICKET, 1, "host asked to hand the ticket back: no job came, and none waits that could", "store"),
      saw(TICKET, 2, "ticket running"),
      saw(MACHINE, 3, "goes on after all: what spoke for its end speaks no more", "store"),
    ];
    expect(told(tellBands({ evidence, decisions: [] }))).toEqual([
      [`ticket ${ticketId()} states`, "online 0-1", "handing-back 1-2", "running 2-"],
      [`machine ${machineId()} states`, "engaged 3-"],
    ]);
  });

  it("are none where nothing is known, or nothing that is a state", () => {
    expect(tellBands({ evidence: [], decisions: [] })).toEqual([]);
    expect(tellBands({ evidence: [saw(MACHINE, 0, "provider says running")], decisions: [] })).toEqual([]);
  });

  it("say the time as it is said everywhere", () => {
    const [lane] = tellBands({ evidence: [saw(MACHINE, 0, "machine parked")], decisions: [] });
    expect(lane?.bands).toEqual([{ word: "parked", from: formatInstant(START_MS), until: null }]);
  });
});

describe("facts that are counted", () => {
  it("of an ending are read as they were written", () => {
    expect(readEndingFact(endingFact("parked", null))).toEqual({ proof: "parked", limit: null });
    expect(readEndingFact(endingFact("forced", "unknown past 6 h"))).toEqual({
      proof: "forced",
      limit: "unknown past 6 h",
    });
    expect(readEndingFact("machine gone")).toBeNull();
  });

  it("begin so differently that the store's index tells them apart", () => {
    expect(new Set(ALARM_KINDS.map((kind) => ALARM_FACTS[kind].slice(0, 12))).size).toBe(ALARM_KINDS.length);
  });
});

describe("who refuses", () => {
  it.each([
    ["awaits-report", "host"],
    ["ticket-not-over", "store"],
    ["github-says-online", "github"],
    ["not-dead", "provider"],
    ["held", "operator"],
    ["too-many-endings", "guard"],
    ["deadline-not-past", "time"],
    ["confirming", null],
    ["terminating", null],
    ["deregistering", null],
  ] as const)("%s: %s", (reason, by) => expect(refuserOf(reason)).toBe(by));

  it("is somebody for every reason of the catalogue that an ending waits for", () => {
    const codes = Object.keys(REASONS) as readonly ReasonCode[];
    const waits = codes.slice(codes.indexOf("awaits-report"), codes.indexOf("deregistering"));
    expect(waits.filter((code) => refuserOf(code) === null)).toEqual([]);
    expect(new Set(waits.map(refuserOf)).size).toBeGreaterThan(REFUSERS.length - 2);
  });
});
