/** Every machine that may exist with its verdict, read once for all that is told of the fleet as a whole. */
import { isAgentFresh, type Verdict } from "../../domain/verdict.ts";
import { type SurveyedMachine, surveyMachines } from "../../store/machines/survey.ts";
import { judge } from "./judge.ts";
import { heardTime, type OperatorSources } from "./sources.ts";

export interface FleetMachine extends SurveyedMachine {
  readonly verdict: Verdict | null;
  /** When its agent was last heard, in epoch milliseconds; null if not since this process started. */
  readonly heardAtMs: number | null;
  /** Nobody is to be heard of one that has not booted, or that waits stopped. */
  readonly agent: "heard" | "silent" | "none";
}

export async function surveyFleet(sources: OperatorSources): Promise<readonly FleetMachine[]> {
  const machines = await surveyMachines(sources.store.db);
  const time = heardTime(sources);
  return machines.map((machine) => {
    const heardAtMs = sources.heardAtMs(machine.id);
    const isFresh = isAgentFresh({ heardAtMs }, time);
    return {
      ...machine,
      verdict: judge(sources, machine, machine.ticket === null ? [] : [machine.ticket]),
      heardAtMs,
      agent: isFresh ? "heard" : isExpected(machine) ? "silent" : "none",
    };
  });
}

function isExpected({ state, isAgentSeen }: SurveyedMachine): boolean {
  return isAgentSeen && state.kind !== "stopped" && state.kind !== "planned" && state.kind !== "provisioning";
}
