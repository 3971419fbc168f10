/**
 * JSON whose whole numbers are longer than JavaScript carries exactly: GitHub's numbers of deliveries have 64 bits. Such a
 * number comes as the text that it is written in; every other one as a number.
 */
interface Place {
  /** Of a number, text or other single value: as it is written (ECMAScript 2026, Node 21 and later). */
  readonly source?: string;
}

const WHOLE = /^-?\d+$/;

/** @throws {SyntaxError} */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, place?: Place): unknown => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const written = place?.source ?? "";
    return WHOLE.test(written) ? written : value;
  });
}
