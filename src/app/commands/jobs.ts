/** `holdfast jobs`: the newest jobs, and why those wait that wait. */
import { type JobAnswer, JobsAnswer } from "../../http/operators/answers.ts";
import { formatAgo, formatDuration } from "../../http/text/durations.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import type { ExitCode } from "./failure.ts";
import { describePage, listQuery, type PageOptions, renderMore } from "./page.ts";
import { type ReadOptions, runQuestion } from "./question.ts";
import { renderReasons } from "./reasons-legend.ts";
import { toned } from "./tones.ts";

export interface JobsOptions extends ReadOptions, PageOptions {
  /** One or several, separated by commas: waiting, queued, in_progress, completed. */
  readonly status?: string | undefined;
}

export function runJobs(options: JobsOptions, io: CommandIo, live: Live | null = null): Promise<ExitCode> {
  return runQuestion(options, io, live, () => {
    const path = `/jobs?${listQuery(options, { status: options.status })}`;
    return {
      ask: (client) => client.get(path, JobsAnswer, "for its jobs"),
      render: (answer, screen) => renderJobs(answer, options, screen),
    };
  });
}

function renderJobs({ jobs, now, isMore }: JobsAnswer, options: JobsOptions, io: CommandIo): string {
  if (jobs.length === 0) return describeNone(options);
  const colours = coloursOf(io);
  const width = widthOf(io);
  const reasons = jobs.map((job) => job.waitingFor);
  return [
    renderTable(jobs, columnsAt(now, colours), width, colours),
    renderMore(isMore, jobs.length, String(jobs.at(-1)?.id), colours),
    renderReasons(reasons, width, colours),
  ].join("");
}

function describeNone({ status, ...page }: JobsOptions): string {
  const narrowed = describePage(page);
  if (status === undefined && narrowed === "")
    return "No job is known yet. One shows up when GitHub delivers its first workflow_job webhook.\n";
  const which = status === undefined ? "is known" : `is ${status.replaceAll(",", " or ")}`;
  return `No job ${which}${narrowed}. \`holdfast jobs\` lists those of every status.\n`;
}

const columnsAt = (now: string, colours: Colours): readonly Column<JobAnswer>[] => [
  { head: "JOB", cell: ({ id }) => String(id) },
  { head: "STATUS", cell: (job) => toned(wordOf(job), colours) },
  { head: "QUEUED", cell: ({ createdAt }) => formatAgo(createdAt, now), rank: 5 },
  { head: "WAITED", cell: ({ queueMs }) => formatDuration(queueMs) },
  { head: "POOL", cell: ({ pool }) => pool ?? "-", min: 8 },
  { head: "NAME", cell: nameOf, min: 16, rank: 2 },
  { head: "REPOSITORY", cell: ({ repository }) => repository, min: 12, rank: 3 },
  { head: "MACHINE", cell: ({ machineId }) => machineId ?? "", rank: 4 },
  { head: "WAITS FOR", cell: ({ waitingFor }) => waitingFor?.reason ?? "", min: 12 },
];

function wordOf({ status, conclusion }: JobAnswer): string {
  if (status === "completed") return conclusion ?? "completed";
  return status === "in_progress" ? "running" : status;
}

function nameOf({ workflow, name }: JobAnswer): string {
  return workflow === "" ? name : `${workflow} / ${name}`;
}
