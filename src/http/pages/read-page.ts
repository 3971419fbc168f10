/** What each page is made of, read from the store: the same for a page that is asked for and for one that is kept open. */

import { readExplanation, readFleetExplanation } from "../operators/read-explanation.ts";
import { readJobs, readWaitingJobs } from "../operators/read-jobs.ts";
import { readEndedMachines, readMachinesById } from "../operators/read-machines.ts";
import { readSafety } from "../operators/read-safety.ts";
import { readStatus } from "../operators/read-status.ts";
import type { OperatorSources } from "../operators/sources.ts";
import { type FleetMachine, surveyFleet } from "../operators/survey-fleet.ts";
import { plainAnswer } from "../text/plain-text.ts";
import { renderExplainPage } from "./explain-page.ts";
import type { LivePage } from "./parts.ts";
import { renderSafetyPage } from "./safety-page.ts";
import { ENDED_ROWS_MAX, ROWS_MAX, renderStatusPage, type StatusPage } from "./status-page.ts";

export async function readStatusPage(sources: OperatorSources): Promise<StatusPage> {
  const fleet = await surveyFleet(sources);
  return {
    status: await readStatus(sources, fleet),
    waiting: await readWaitingJobs(sources, ROWS_MAX),
    recent: await readJobs(sources, { limitCount: ENDED_ROWS_MAX, statuses: ["in_progress", "completed"] }),
    machines: await readMachinesById(sources, pickMachines(fleet)),
    presentCount: fleet.length,
    ended: await readEndedMachines(sources, ENDED_ROWS_MAX),
  };
}

export async function statusPage(sources: OperatorSources): Promise<LivePage> {
  return renderStatusPage(plainAnswer(await readStatusPage(sources)));
}

export async function safetyPage(sources: OperatorSources): Promise<LivePage> {
  return renderSafetyPage(plainAnswer(await readSafety(sources)));
}

/** @param subject all pools together, where it is empty. @returns null where nothing of that name is known. */
export async function explainPage(sources: OperatorSources, subject: string): Promise<LivePage | null> {
  const answer = subject === "" ? await readFleetExplanation(sources) : await readExplanation(sources, subject);
  return answer === null ? null : renderExplainPage(plainAnswer(answer));
}

/** What wants to be looked at comes first: unknown, then at work, then the rest; of each the last that changed. */
function pickMachines(fleet: readonly FleetMachine[]): readonly FleetMachine["id"][] {
  const inOrder = [...fleet].sort((a, b) => attention(a) - attention(b) || b.state.sinceMs - a.state.sinceMs);
  return inOrder.slice(0, ROWS_MAX).map(({ id }) => id);
}

function attention({ verdict, hasWord }: FleetMachine): number {
  if (verdict?.kind === "unknown") return 0;
  if (hasWord) return 1;
  return verdict?.kind === "busy" ? 2 : 3;
}
