/** The names that our runners have at GitHub: `hf-<controller id>-<random>`. By them, and only by them, we know our own. */
import type { ControllerId } from "./ids.ts";

const RANDOM_PART = /^[a-z0-9]{8,32}$/;

/** @param token random; unique for every ticket. */
export function runnerNameOf(controllerId: ControllerId, token: string): string {
  return `${prefixOf(controllerId)}${token}`;
}

/** Another controller's id may begin with ours: what follows the prefix must be the random part and nothing else. */
export function isOurRunnerName(name: string, controllerId: ControllerId): boolean {
  const prefix = prefixOf(controllerId);
  return name.startsWith(prefix) && RANDOM_PART.test(name.slice(prefix.length));
}

function prefixOf(controllerId: ControllerId): string {
  return `hf-${controllerId}-`;
}
