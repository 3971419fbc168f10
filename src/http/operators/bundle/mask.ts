/**
 * Takes secrets out of what leaves the house. Twice: every secret that this process knows, wherever and in whatever it
 * stands; and whatever looks like one, for the secrets of others that a log may hold. What is left out is shown to be so.
 */

const MASK = "[hidden]";

/** Shorter ones would hide ordinary words; the configuration refuses most of them. */
const KNOWN_LENGTH_MIN = 4;
/** A line of a key, of a folded secret. */
const LINE_LENGTH_MIN = 16;

const REMEMBERED_LENGTH_MAX = 500;
const REMEMBERED_MAX = 20_000;

/** Each says what it is. A group that is kept comes first. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // A key in PEM form, also where its end is cut off.
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, MASK],
  // GitHub's tokens (docs.github.com, "About authentication to GitHub", token formats).
  [/\b(?:gh[pousr]_[A-Za-z0-9_]{10,}|github_pat_[A-Za-z0-9_]{10,})/g, MASK],
  // Our agents' tokens; what they are of may stay.
  [/\b(hfa1~[^~\s]*~[^~\s]*~)[\w-]+/g, `$1${MASK}`],
  // JSON in base64: a JIT configuration, a signed token.
  [/\beyJ[A-Za-z0-9+/_-]{20,}={0,2}(?:\.[\w-]+)*/g, MASK],
  // AWS access keys (docs.aws.amazon.com, IAM, "Unique identifiers").
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, MASK],
  // A user and a password in an address.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${MASK}@`],
  [/\b(authorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+)[^\s"']+/gi, `$1${MASK}`],
  [/\b(bearer\s+)[\w.~+/=-]{8,}/gi, `$1${MASK}`],
  [
    /((?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key)["']?\s*[:=]\s*["']?)[^\s"',;]{4,}/gi,
    `$1${MASK}`,
  ],
];

/** A long word of letters of both cases and digits is drawn by chance: no name that people give looks so. */
const OPAQUE = /(?<![\w/-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{40,}={0,2}/g;

/** A line of a key in PEM form whose beginning was cut off (RFC 7468: 64 letters to a line). */
const KEY_LINE =
  /(?<![A-Za-z0-9+/])(?=[A-Z0-9+/]*[a-z])(?=[a-z0-9+/]*[A-Z])(?=[A-Za-z+/]*\d)[A-Za-z0-9+/]{64}(?![A-Za-z0-9+/])/g;

export type Mask = (text: string) => string;

/** @param known the secrets themselves; also found in base64, in an address, and line by line. */
export function createMask(known: readonly string[]): Mask {
  const literals = [...new Set(known.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  return remembered((text) => {
    let masked = text;
    for (const literal of literals) masked = masked.replaceAll(literal, MASK);
    for (const [pattern, instead] of PATTERNS) masked = masked.replace(pattern, instead);
    return masked.replace(OPAQUE, MASK).replace(KEY_LINE, MASK);
  });
}

/** Names of fields, reasons and sentences come again with every row of a list. */
function remembered(mask: Mask): Mask {
  const masks = new Map<string, string>();
  return (text) => {
    const known = masks.get(text);
    if (known !== undefined) return known;
    const masked = mask(text);
    if (text.length <= REMEMBERED_LENGTH_MAX && masks.size < REMEMBERED_MAX) masks.set(text, masked);
    return masked;
  };
}

function formsOf(secret: string): readonly string[] {
  const whole = secret.trim();
  if (whole.length < KNOWN_LENGTH_MIN) return [];
  const bytes = Buffer.from(whole);
  const lines = whole.split(/\r?\n/).filter((line) => line.length >= LINE_LENGTH_MIN && !line.startsWith("-----"));
  return [
    whole,
    ...lines,
    bytes.toString("base64"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    encodeURIComponent(whole),
    JSON.stringify(whole).slice(1, -1),
  ];
}

/** Every text inside a value, names of fields included. */
export function maskValue(value: unknown, mask: Mask): unknown {
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) return value.map((one) => maskValue(one, mask));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [mask(name), maskValue(inner, mask)]));
}
