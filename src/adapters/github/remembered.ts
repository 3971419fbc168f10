/**
 * The last answers to calls that are repeated, with their ETags. GitHub makes an ETag for one authorization: after a token
 * was renewed it answers whole, once.
 */
import type { Answer } from "./client.ts";

const ENTRY_COUNT_MAX = 2_000;
/** Of the answers' texts: some 100 bytes for each label of each runner of each page. */
const CHARACTER_COUNT_MAX = 32_000_000;

export interface Remembered {
  readonly etag: string;
  readonly answer: Answer;
}

export class Memory {
  /** The longest unused first. */
  readonly #entries = new Map<string, Remembered>();
  #characterCount = 0;

  recall(account: string, url: string): Remembered | null {
    const key = keyOf(account, url);
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  keep(account: string, url: string, answer: Answer): void {
    const key = keyOf(account, url);
    this.#remove(key);
    const etag = answer.headers.get("etag");
    if (answer.status !== 200 || etag === null || answer.characterCount > CHARACTER_COUNT_MAX) return;
    this.#entries.set(key, { etag, answer });
    this.#characterCount += answer.characterCount;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRY_COUNT_MAX && this.#characterCount <= CHARACTER_COUNT_MAX) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#characterCount -= entry.answer.characterCount;
  }
}

function keyOf(account: string, url: string): string {
  return `${account.toLowerCase()} ${url}`;
}

/** The remembered answer for GitHub's word that nothing changed; its headers are the new ones where there are any. */
export function unchanged({ answer }: Remembered, said: Answer): Answer {
  const headers = new Headers(answer.headers);
  for (const [name, value] of said.headers) headers.set(name, value);
  return { ...answer, headers, isUnchanged: true };
}
