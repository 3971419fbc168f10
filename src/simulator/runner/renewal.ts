import { type BrokerAnswer, callBroker } from "./broker-client.ts";
import type { ListenerContext } from "./broker-session.ts";
import type { AcquiredJob, Renewal } from "./protocol.ts";
import { formatCulture, nowMs, sleep } from "./system.ts";

const SOURCE = "JobDispatcher";
/** Before the first success the real runner tries five times, after it until the lease is over for five minutes. */
const FIRST_TRY_COUNT_MAX = 5;
const OVERDUE_MS_MAX = 300_000;

/** The lease of one job, renewed until it is stopped, lost or out of reach. */
export interface JobRenewal {
  /** Resolves with the first success. Does not resolve if there is none. */
  readonly first: Promise<void>;
  /** Resolves when there are no more renewals. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

export function startRenewing(context: ListenerContext, job: AcquiredJob): JobRenewal {
  const stopping = new AbortController();
  const first = Promise.withResolvers<void>();
  let hasEnded = false;
  const ended = renewUntilEnd(context, job, stopping.signal, first.resolve).then(() => {
    hasEnded = true;
  });
  return {
    first: first.promise,
    ended,
    hasEnded: () => hasEnded,
    stop: async () => {
      context.diagnostics.trace(SOURCE, `Stop renew job request for job ${job.jobId}.`);
      stopping.abort();
      await ended;
    },
  };
}

async function renewUntilEnd(
  context: ListenerContext,
  job: AcquiredJob,
  stop: AbortSignal,
  onFirst: () => void,
): Promise<void> {
  const { diagnostics, settings } = context;
  let lockedUntilMs: number | null = null;
  let failureCount = 0;
  while (!stop.aborted) {
    const answer = await renewOnce(context, job, stop);
    if (stop.aborted) break;
    if (answer?.status === 200) {
      lockedUntilMs = (answer.body as Renewal).lockedUntilMs;
      diagnostics.trace(
        SOURCE,
        `Successfully renew job ${job.jobId}, job is valid till ${formatCulture(lockedUntilMs)}`,
      );
      if (failureCount > 0) diagnostics.count("JobRenewRecovered");
      failureCount = 0;
      onFirst();
      await sleep(settings.renewIntervalMs, stop);
      continue;
    }
    if (answer?.status === 404) {
      diagnostics.trace(
        SOURCE,
        `TaskAgentJobNotFoundException received when renew job ${job.jobId}, job is no longer valid, stop renew job request.`,
      );
      return;
    }
    failureCount += 1;
    diagnostics.trace(SOURCE, `Catch exception during renew runner job ${job.jobId}.`, "ERR ");
    const isOver =
      lockedUntilMs === null ? failureCount > FIRST_TRY_COUNT_MAX : nowMs() > lockedUntilMs + OVERDUE_MS_MAX;
    if (isOver) {
      diagnostics.trace(SOURCE, `Lock renewal has run out of retry, stop renew lock for job ${job.jobId}.`);
      diagnostics.count("JobRenewReachLimit");
      return;
    }
    await sleep(settings.retryDelayMs * failureCount, stop);
  }
  diagnostics.trace(SOURCE, `job renew has been cancelled, stop renew job ${job.jobId}.`);
}

/** Null if there was no answer. */
async function renewOnce(context: ListenerContext, job: AcquiredJob, stop: AbortSignal): Promise<BrokerAnswer | null> {
  const { serverUrl } = context.configuration;
  try {
    return await callBroker(serverUrl, { method: "POST", path: "/renew", token: job.token, signal: stop });
  } catch {
    return null;
  }
}
