/** What the demonstration shows while it runs: a live picture on a terminal, a line per change elsewhere. */
import { createLogUpdate } from "log-update";
import pc from "picocolors";
import type { Machine } from "../../domain/machine.ts";
import { formatDuration } from "../../http/text/durations.ts";
import type { JobSnapshot } from "../../simulator/server/snapshots.ts";
import { listMachines } from "../../store/machines/list.ts";
import type { Stage } from "./stage.ts";
import type { Summary } from "./summary.ts";

const ROWS_MAX = 8;
const MACHINES_MAX = 100;

export interface View {
  refresh(): Promise<void>;
  /** Leaves the last picture on the screen. */
  end(): void;
}

export interface Screen {
  readonly stream: NodeJS.WriteStream;
  readonly isTerminal: boolean;
}

export function openView(stage: Stage, screen: Screen, nowMs: () => number): View {
  return screen.isTerminal ? openPicture(stage, screen, nowMs) : openLines(stage, screen);
}

/** A line for each new status of a job. */
function openLines(stage: Stage, screen: Screen): View {
  const told = new Map<number, string>();
  const stop = stage.github.onJobChange((job) => {
    if (told.get(job.id) === job.status) return;
    told.set(job.id, job.status);
    const ended = job.conclusion === null ? "" : ` ${job.conclusion}`;
    const where = job.runnerName === null ? "" : ` on ${job.runnerName}`;
    screen.stream.write(`${job.repository} ${job.name}: ${job.status.replace("_", " ")}${ended}${where}\n`);
  });
  return { refresh: async () => undefined, end: stop };
}

function openPicture(stage: Stage, screen: Screen, nowMs: () => number): View {
  const update = createLogUpdate(screen.stream);
  return {
    refresh: async () => {
      const machines = await listMachines(stage.holdfast.store.db, { includeGone: false, limitCount: MACHINES_MAX });
      update(picture(stage, machines, nowMs()));
    },
    end: () => update.done(),
  };
}

function picture(stage: Stage, machines: readonly Machine[], nowMs: number): string {
  const jobs = stage.github.jobs();
  const done = jobs.filter((job) => job.status === "completed");
  const open = jobs.filter((job) => job.status !== "completed");
  const queued = open.filter((job) => job.status === "queued");
  return [
    "",
    `  ${pc.bold("Holdfast")} ${pc.dim("demonstration")}   ${stage.holdfast.addresses.operators}   ${pc.dim("Ctrl-C ends it cleanly")}`,
    "",
    `  ${pc.bold("jobs")}      ${queued.length} queued   ${open.length - queued.length} running   ${pc.green(`${done.filter((job) => job.conclusion === "success").length} succeeded`)}`,
    ...open.slice(0, ROWS_MAX).map((job) => `    ${jobLine(job, nowMs)}`),
    ...(open.length > ROWS_MAX ? [pc.dim(`    and ${open.length - ROWS_MAX} more`)] : []),
    "",
    `  ${pc.bold("machines")}  ${machines.length} now`,
    ...machines.slice(0, ROWS_MAX).map((machine) => `    ${machineLine(machine, nowMs)}`),
    "",
  ].join("\n");
}

function jobLine(job: JobSnapshot, nowMs: number): string {
  const sinceMs = job.startedAtMs ?? job.createdAtMs;
  const state = job.status === "in_progress" ? pc.cyan("running") : pc.yellow("queued ");
  return `${state}  ${job.name.padEnd(24)} ${pc.dim(`${job.repository}  ${formatDuration(nowMs - sinceMs)}`)}`;
}

function machineLine(machine: Machine, nowMs: number): string {
  const { state } = machine;
  const detail = state.kind === "retiring" ? ` ${state.reason}, ${state.stage}` : "";
  return `${state.kind.padEnd(13)}${machine.id}  ${pc.dim(`${formatDuration(nowMs - state.sinceMs)}${detail}`)}`;
}

export function renderSummary(summary: Summary): string {
  const { jobs, waitMs, left } = summary;
  const proofs = [...summary.endedByProof].map(([proof, count]) => `${count} by ${proof}`).join(", ");
  const others = [
    jobs.failed > 0 ? `, ${jobs.failed} failed` : "",
    jobs.cancelled > 0 ? `, ${jobs.cancelled} cancelled` : "",
  ];
  const wait =
    waitMs === null ? "none" : `median ${formatDuration(waitMs.median)}, longest ${formatDuration(waitMs.max)}`;
  return [
    "",
    `jobs      ${jobs.total}: ${jobs.succeeded} succeeded${others.join("")}`,
    `wait      ${wait}`,
    `machines  ${summary.machineCount} started, ended ${proofs || "none"}`,
    `left      ${left.machines} machines, ${left.processes} processes, ${left.registrations} registrations, ${left.folders} folders`,
    "",
  ].join("\n");
}
