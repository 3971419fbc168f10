/** Ids as EC2 gives them: a kind and seventeen hexadecimal digits, drawn from the region's chance. */
import type { Ec2State } from "./state.ts";

const DIGITS = "0123456789abcdef";
const LENGTH = 17;
const NUMBER_LENGTH = 6;

export type IdKind = "i" | "r" | "lt" | "vol" | "eni" | "fleet" | "sir";

/** Its first digits are drawn, so that ids come in no order; the last ones count, so that none comes twice. */
export function newId(state: Ec2State, kind: IdKind): string {
  const chance = state.options.chance.fork(`id/${kind}/${nextNumber(state, kind)}`);
  const drawn = Array.from({ length: LENGTH - NUMBER_LENGTH }, () => DIGITS[chance.whole([0, DIGITS.length - 1])]);
  const number = state.givenNumbers.get(kind) ?? 0;
  return `${kind}-${drawn.join("")}${number.toString(DIGITS.length).padStart(NUMBER_LENGTH, "0")}`;
}

/** 1, 2, 3 by the name. */
export function nextNumber(state: Ec2State, name: string): number {
  const number = (state.givenNumbers.get(name) ?? 0) + 1;
  state.givenNumbers.set(name, number);
  return number;
}

const INSTANCE_ID = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;
const LAUNCH_TEMPLATE_ID = /^lt-[0-9a-f]{17}$/;

export function isInstanceId(text: string): boolean {
  return INSTANCE_ID.test(text);
}

export function isLaunchTemplateId(text: string): boolean {
  return LAUNCH_TEMPLATE_ID.test(text);
}
