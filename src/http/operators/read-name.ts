/** What a person has at hand to name a thing by, taken apart without looking anything up. */
import { type JobId, parseJobId } from "../../domain/ids.ts";

export interface GivenName {
  /** Which kind is meant, where somebody said so: `pool:linux`, `machine:m-…`, `job:7`. */
  readonly kind: "pool" | "machine" | "job" | null;
  /** Without that word and the white space around it. */
  readonly text: string;
  readonly jobId: JobId | null;
  /** The run that an address names, a job's too; or a number, which may be a job's as well as a run's. */
  readonly run: GivenRun | null;
  /** What a machine, its provider or its runner may be called: the text itself, or else what an address ends with. */
  readonly names: readonly string[];
}

export interface GivenRun {
  readonly id: number;
  /** Null for the newest. */
  readonly attempt: number | null;
}

const KIND = /^(pool|machine|job):(?!\/\/)(.+)$/s;

/** GitHub's page of a job says `runs/1/job/2`, its API `runs/1/jobs/2`. */
const JOB_ADDRESS = /\/?\bruns\/(\d+)(?:\/attempts\/\d+)?\/jobs?\/(\d+)\b/;
const API_ADDRESS = /\/actions\/jobs\/(\d+)\b/;
const RUN_ADDRESS = /\/?\bruns\/(\d+)(?:\/attempts\/(\d+))?(?:[/?#]|$)/;
/** Of our own page and API. */
const OWN_ADDRESS = /\/(?:explain|logs)\/([^/?#]+)$/;
/** A console's address says `#InstanceDetails:instanceId=i-…`, Kubernetes `aws:///eu-west-1a/i-…`. */
const LAST_PART = /[/=]([^/=?#]+)$/;

/**
 * @param text a job's or a run's page address or id, a machine's id, its provider's id, a runner's name, a pool's name; or
 *   an address that ends with one of these.
 */
export function readName(text: string): GivenName {
  const given = text.trim();
  const [, word = null, rest = given] = KIND.exec(given) ?? [];
  const kind = word as GivenName["kind"];
  const own = OWN_ADDRESS.exec(rest)?.[1];
  const isAtGitHub = JOB_ADDRESS.test(rest) || RUN_ADDRESS.test(rest);
  const bare = own === undefined || isAtGitHub ? rest.trim() : decoded(own);
  const [, runOfJob, jobOfRun] = JOB_ADDRESS.exec(bare) ?? [];
  const [, runId, attempt] = RUN_ADDRESS.exec(bare) ?? [];
  const digits = /^\d+$/.exec(bare)?.[0];
  const jobId = readNumber(digits ?? jobOfRun ?? API_ADDRESS.exec(bare)?.[1]);
  const run = readNumber(digits ?? runOfJob ?? runId);
  return {
    kind,
    text: bare,
    jobId: jobId === null ? null : parseJobId(jobId),
    run: run === null ? null : { id: run, attempt: readNumber(attempt) },
    names: [...new Set([bare, ...lastPart(bare)])],
  };
}

function readNumber(digits: string | undefined): number | null {
  const number = Number(digits ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : null;
}

function lastPart(text: string): readonly string[] {
  const part = LAST_PART.exec(text)?.[1];
  return part === undefined ? [] : [decoded(part)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return text;
  }
}
