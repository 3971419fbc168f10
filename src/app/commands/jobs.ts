/** `holdfast jobs`: the newest jobs, and why those wait that wait. */
import { type JobAnswer, JobsAnswer } from "../../http/operators/answers.ts";
import { formatAgo, formatDuration } from "../../http/text/durations.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { openClient } from "../client.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import { EXIT, type ExitCode, telling } from "./failure.ts";
import { renderReasons } from "./reasons-legend.ts";
import type { ReadOptions } from "./status.ts";
import { toned } from "./tones.ts";

export interface JobsOptions extends ReadOptions {
  readonly limit?: number | undefined;
  /** One or several, separated by commas: waiting, queued, in_progress, completed. */
  readonly status?: string | undefined;
}

export function runJobs(options: JobsOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    const client = await openClient(options, io.environment);
    const query = new URLSearchParams({
      ...(options.limit !== undefined && { limit: String(options.limit) }),
      ...(options.status !== undefined && { status: options.status }),
    });
    const answer = await client.get(`/jobs?${query}`, JobsAnswer, "for its jobs");
    io.stdout.write(
      options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : renderJobs(plainAnswer(answer), options, io),
    );
    return EXIT.ok;
  });
}

function renderJobs({ jobs, now }: JobsAnswer, { status }: JobsOptions, io: CommandIo): string {
  if (jobs.length === 0) {
    return status === undefined
      ? "No job is known yet. One shows up when GitHub delivers its first workflow_job webhook.\n"
      : `No job is ${status.replaceAll(",", " or ")}. \`holdfast jobs\` lists those of every status.\n`;
  }
  const colours = coloursOf(io);
  const width = widthOf(io);
  const reasons = jobs.map((job) => job.waitingFor);
  return `${renderTable(jobs, columnsAt(now, colours), width, colours)}${renderReasons(reasons, width, colours)}`;
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
