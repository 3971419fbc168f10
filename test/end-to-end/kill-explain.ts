/** Why something that should be over is not: what is left, what the controller says of it, and the last lines of the logs. */
import { join } from "node:path";
import { ExplainAnswer } from "../../src/http/operators/answers.ts";
import type { House } from "./house.ts";
import { listLeft, placesOf, readText } from "./kill-hosts.ts";
import type { StoreReader } from "./kill-store.ts";

/** Of each kind: one that hangs says as much as ten. */
const EXPLAINED_MAX = 3;
const ENTRIES_MAX = 30;
const LOG_LINES = 40;

export async function explainHanging(house: House, store: StoreReader): Promise<string> {
  const jobs = house.github.jobs().filter(({ phase }) => phase !== "completed");
  const machineIds = store.readOpenMachines();
  const explained = [
    ...jobs.map(({ id }) => String(id)).slice(0, EXPLAINED_MAX),
    ...machineIds.slice(0, EXPLAINED_MAX),
  ];
  const { machines } = placesOf(house);
  return [
    `left here and at GitHub: ${listLeft(house).join("\n  ") || "nothing"}`,
    `unfinished in the store: ${[...store.readUnfinished()].map(([what, count]) => `${count} ${what}`).join(", ") || "nothing"}`,
    `jobs that are not over: ${jobs.map(({ id, name, phase, runnerName }) => `${id} (${name}) ${phase} ${runnerName ?? ""}`).join(", ") || "none"}`,
    ...(await Promise.all(explained.map((subject) => explain(house, subject)))),
    ...machineIds.slice(0, EXPLAINED_MAX).map((id) => lastLines(join(machines, id, "agent.log"))),
    lastLines(join(house.directory, "server.log")),
  ].join("\n\n");
}

async function explain(house: House, subject: string): Promise<string> {
  try {
    const answer = ExplainAnswer.parse(await house.get(`/api/v1/explain/${subject}`));
    const { verdict, waitingFor, timeline, omittedCount } = answer;
    const because = waitingFor === null ? "" : ` Because: ${waitingFor.sentence} (${waitingFor.reason})`;
    const entries = timeline.slice(-ENTRIES_MAX).map(({ at, until, about, source, fact, rule }) => {
      const time = until === null ? at : `${at} to ${until}`;
      return `  ${time} [${about}] ${source}: ${fact}${rule === null ? "" : ` (${rule.reason}: ${rule.sentence})`}`;
    });
    const omitted = omittedCount + timeline.length - entries.length;
    return [
      `${subject}: ${verdict.kind}: ${verdict.sentences.join(" ")}${because}`,
      `  ${omitted} older`,
      ...entries,
    ].join("\n");
  } catch (error) {
    return `${subject}: nobody explains it: ${String(error)}`;
  }
}

function lastLines(path: string): string {
  return `${path}:\n${readText(path).split("\n").slice(-LOG_LINES).join("\n") || "no log"}`;
}
