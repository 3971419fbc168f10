/** Ids and tokens as Auto Scaling gives them, drawn from its chance. */
import type { AsgState } from "./state.ts";

const HEX = "0123456789abcdef";
const PARTS = [8, 4, 4, 4, 12] as const;

/** A UUID: of an activity, a lifecycle action, a refresh. */
export function newUuid(state: AsgState, name: string): string {
  const chance = state.options.chance.fork(`${name}/${nextNumber(state, name)}`);
  const digits = (count: number) =>
    Array.from({ length: count }, () => HEX[chance.whole([0, HEX.length - 1])]).join("");
  return PARTS.map(digits).join("-");
}

/** 1, 2, 3 by the name. */
export function nextNumber({ givenNumbers }: AsgState, name: string): number {
  const number = (givenNumbers.get(name) ?? 0) + 1;
  givenNumbers.set(name, number);
  return number;
}
