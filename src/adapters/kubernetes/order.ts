/** What a launch's pods depend on besides the settings: decided once, stored, and the same in every repeat. */
import { ProviderError } from "../../domain/errors.ts";

export interface Order {
  readonly avoidedNodes: readonly string[];
}

export function writeOrder({ avoidedNodes }: Order): string {
  return JSON.stringify({ avoidedNodes });
}

/** @throws {ProviderError} `provider-unavailable` for what another version stored: it is not for this one to guess. */
export function readOrder(text: string): Order {
  const { avoidedNodes } = JSON.parse(text) as { readonly avoidedNodes?: unknown };
  if (Array.isArray(avoidedNodes) && avoidedNodes.every((node) => typeof node === "string")) return { avoidedNodes };
  throw new ProviderError("provider-unavailable", "reading the order of a launch of pods, which is of another shape");
}
