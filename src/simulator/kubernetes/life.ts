/** What happens by itself. */
import type { KubernetesState } from "./state.ts";

export function advance(_state: KubernetesState, _nowMs: number): void {}
export function nextDueMs(_state: KubernetesState): number | null {
  return null;
}
