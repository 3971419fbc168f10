/** Keeps a bundle within its size: what comes first is worth most, and what is cut is said. */
import type { Mask } from "./mask.ts";
import { maskValue } from "./mask.ts";

/** Of all files together, before they are compressed: what can be sent with a message. */
export const BUNDLE_BYTES_MAX = 8 * 1024 * 1024;
/** So that no single one takes the place of all others. */
const FILE_BYTES_MAX = 2 * 1024 * 1024;

export interface BundleFile {
  readonly path: string;
  readonly content: string;
}

export class Bundle {
  readonly files: BundleFile[] = [];
  /** Sentences. */
  readonly cuts: string[] = [];
  readonly #mask: Mask;
  #byteCount = 0;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  addValue(path: string, value: unknown): void {
    this.#add(path, `${JSON.stringify(maskValue(value, this.#mask), null, 2)}\n`);
  }

  addText(path: string, text: string): void {
    this.#add(path, this.#mask(text));
  }

  /** Says what a reading left out by its own bound. */
  noteCut(sentence: string): void {
    this.cuts.push(sentence);
  }

  #add(path: string, content: string): void {
    const room = Math.min(FILE_BYTES_MAX, BUNDLE_BYTES_MAX - this.#byteCount);
    const bytes = Buffer.from(content);
    if (bytes.length <= room) {
      this.files.push({ path, content });
      this.#byteCount += bytes.length;
      return;
    }
    this.cuts.push(`${path} has ${bytes.length} bytes, of which ${Math.max(0, room)} had room`);
    if (room <= 0) return;
    // A letter that the cut went through is left out.
    const kept = new TextDecoder().decode(bytes.subarray(0, room)).replace(/\ufffd$/, "");
    this.files.push({ path: `${path}.cut`, content: kept });
    this.#byteCount += Buffer.byteLength(kept);
  }
}
