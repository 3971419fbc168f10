import { randomInt } from "node:crypto";
import type { Random } from "../../ports/random.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const FRACTION_STEPS = 2 ** 32;

/** This machine's source of chance. */
export function systemRandom(): Random {
  return {
    fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
    token: (length) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join(""),
  };
}
