/**
 * Seeded chance. Every part of the world draws from a stream of its own, found by its name: what one part draws changes
 * nothing of what another does, and a scenario with one fault less is otherwise the same world.
 */
import type { Random } from "../../ports/random.ts";
import { createRandom } from "../github/ids.ts";

const TOKEN_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const SPAN = 2 ** 32;
/** The 95th percentile of the normal distribution. */
const P95 = 1.6448536269514722;

/** From the first to the second, both included. */
export type Range = readonly [number, number];

export class Chance {
  readonly #seed: number;
  readonly #next: () => number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#next = createRandom(this.#seed);
  }

  /** Another stream, determined by this one's seed and the name alone. */
  fork(name: string): Chance {
    return new Chance(hash(`${this.#seed}/${name}`));
  }

  /** In [0, 1). */
  fraction(): number {
    return this.#next() / SPAN;
  }

  /** @param probability 0: never, 1: always. */
  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** A number between the two. */
  between([from, to]: Range): number {
    return from + (to - from) * this.fraction();
  }

  /** A whole number between the two, both included. */
  whole([from, to]: Range): number {
    return from + Math.floor(this.fraction() * (to - from + 1));
  }

  /** @param items not empty. */
  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.fraction() * items.length)] as Item;
  }

  /** The time to the next of events that come so often on average. */
  wait(meanMs: number): number {
    return -Math.log(1 - this.fraction()) * meanMs;
  }

  /** Log-normal: half are below the first, one in twenty above the second. */
  spread(p50: number, p95: number): number {
    if (p95 <= p50) return p50;
    const normal = Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
    return p50 * Math.exp((normal * Math.log(p95 / p50)) / P95);
  }

  /** Lower-case letters and digits. */
  token(length: number): string {
    return Array.from({ length }, () => TOKEN_LETTERS[this.whole([0, TOKEN_LETTERS.length - 1])]).join("");
  }
}

/** FNV-1a, then mixed: near names give far seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b) >>> 0;
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}

/** A stream as the product draws from it. */
export function randomOf(chance: Chance): Random {
  return { fraction: () => chance.fraction(), token: (length) => chance.token(length) };
}
