/** Every look at GitHub ends: by its result, by a refusal that becomes a finding, or by its time. */
import { GitHubError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Finding, type Place, warning } from "./finding.ts";
import { describeRefusal } from "./refusal.ts";

/** Signing in comes before all else, the other looks are made side by side after it: together under a minute. */
export const SIGN_IN_MS_MAX = 22 * SECOND_MS;
const LOOK_MS_MAX = 33 * SECOND_MS;

/** @returns what came, or `late()` after `limitMs`; work that is late goes on unheard. */
export async function within<Value>(
  clock: Clock,
  limitMs: number,
  work: Promise<Value>,
  late: () => Value,
): Promise<Value> {
  const done = new AbortController();
  try {
    return await Promise.race([work, clock.sleep(limitMs, done.signal).then(late)]);
  } finally {
    done.abort();
  }
}

export interface Look {
  readonly place: Place;
  /** As in "looking at the runner groups". */
  readonly attempted: string;
  /** What it found; a refusal may be thrown. */
  make(): Promise<readonly Finding[]>;
}

/** One look, that hides no other: its refusal or its lateness is a finding of its own. */
export async function look(clock: Clock, { place, attempted, make }: Look): Promise<readonly Finding[]> {
  const findings = make().catch((error: unknown) => {
    if (!(error instanceof GitHubError)) throw error;
    return [describeRefusal(error, place)];
  });
  return await within(clock, LOOK_MS_MAX, findings, () => [
    warning(
      place,
      `${attempted} took longer than ${LOOK_MS_MAX / SECOND_MS} seconds and was given up`,
      "Run `holdfast check` again; if it stays so, look at the way to GitHub and at its status page.",
      "github-unavailable",
    ),
  ]);
}
