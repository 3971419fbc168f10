/** The names that a server knows: asked for while somebody waits for a word, so for a moment only, and without a word of failure. */
import { SECOND_MS } from "../../domain/units.ts";
import { JobsAnswer, MachinesAnswer, StatusAnswer } from "../../http/operators/answers.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { type Client, openClient, type ServerOptions } from "../client.ts";
import type { Environment } from "../config/environment.ts";
import { type NameKind, type Suggestion, startingWith } from "./complete.ts";

/** Longer than that nobody looks at a cursor that does not move. */
const PATIENCE_MS = 0.7 * SECOND_MS;
/** More than that nobody chooses from; what is written so far is asked for among more. */
const LIMIT = 1_000;
const JOBS_LIMIT = 100;

/** @returns none where no server answers in time, or does not let us read. */
export async function readNames(
  kinds: readonly NameKind[],
  current: string,
  options: ServerOptions,
  environment: Environment,
): Promise<readonly Suggestion[]> {
  try {
    const client = await openClient(options, environment, PATIENCE_MS);
    const lists = await Promise.all(kinds.map((kind) => READERS[kind](client)));
    return startingWith(current, lists.flat());
  } catch {
    return [];
  }
}

const READERS: Readonly<Record<NameKind, (client: Client) => Promise<readonly Suggestion[]>>> = {
  pool: async (client) => {
    const { pools } = plainAnswer(await client.get("/status", StatusAnswer, "for its pools"));
    return pools.map(({ name, mode }) => ({ word: name, description: mode === "run" ? "pool" : `pool, ${mode}` }));
  },
  machine: async (client) => {
    const { machines } = plainAnswer(await client.get(`/machines?limit=${LIMIT}`, MachinesAnswer, "for its machines"));
    return machines.map(({ id, pool, state }) => ({ word: id, description: `${state} in ${pool}` }));
  },
  job: async (client) => {
    const path = `/jobs?limit=${JOBS_LIMIT}`;
    const { jobs } = plainAnswer(await client.get(path, JobsAnswer, "for its jobs"));
    return jobs.map(({ id, name, status }) => ({
      word: String(id),
      description: `${status.replace("_", " ")}: ${name}`,
    }));
  },
};
