/**
 * The makers of keys. Every key of the schema carries its sentence for the reference and an example for the mend of a
 * wrong value; nothing about a key is said in two places.
 */
import * as z from "zod";
import { parseHostPattern, parseListenAddress, parseUrl } from "./addresses.ts";
import { parseDuration } from "./durations.ts";

export interface KeyNote {
  /** One sentence for the reference. */
  readonly says: string;
  /** The key with a right value, as it is written in YAML. */
  readonly example: string;
  /** In words, where the schema's own default does not say it. */
  readonly defaultText?: string;
  /** Has no meaning yet: named by the design, refused by this version. */
  readonly isReserved?: true;
  /** Of a reserved key: the one value that asks for nothing, and passes. */
  readonly harmless?: string;
  /** Not shown in the reference: a key that people try, and that is refused with this advice. */
  readonly insteadOfSecret?: string;
}

const notes = z.registry<KeyNote>();

export function key<Schema extends z.ZodType>(schema: Schema, note: KeyNote): Schema {
  notes.add(schema, note);
  return schema;
}

export function noteOf(schema: z.ZodType | undefined): KeyNote | null {
  return (schema && notes.get(schema)) ?? null;
}

type RefusedKey = z.ZodOptional<z.ZodUnknown>;

export const RESERVED = "reserved: this version does not have it yet";

/** A key of the design that this version refuses. @param harmless the one value that asks for nothing, and passes. */
export function reserved(says: string, example: string, harmless?: unknown): RefusedKey {
  const mend = harmless === undefined ? "remove it" : `remove it, or set it to ${String(harmless)}`;
  const schema = z.unknown().superRefine((value, context) => {
    if (value === undefined || value === harmless) return;
    context.addIssue({ code: "custom", message: RESERVED, params: { mend } });
  });
  const note = { says, example, isReserved: true } as const;
  return key(schema.optional(), harmless === undefined ? note : { ...note, harmless: String(harmless) });
}

export const INLINE_SECRET = "a secret is never written into the configuration";

/** A key that people try; the value is refused unseen. */
export function inlineSecret(instead: string): RefusedKey {
  const schema = z.unknown().superRefine((value, context) => {
    if (value !== undefined) context.addIssue({ code: "custom", message: INLINE_SECRET, params: { mend: instead } });
  });
  return key(schema.optional(), { says: "", example: "", insteadOfSecret: instead });
}

function checkedText<Value>(parse: (text: string) => Value | null, message: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

/** A text that `parse` makes into something; its own message where it cannot. */
export function matchedText(pattern: RegExp, message: string) {
  return checkedText((text) => (pattern.test(text) ? text : null), message);
}

export function durationText(minMs: number, maxMs: number, range: string) {
  return checkedText((text) => {
    const milliseconds = parseDuration(text);
    return milliseconds !== null && milliseconds >= minMs && milliseconds <= maxMs ? milliseconds : null;
  }, `must be a duration with its unit, ${range}`);
}

export function listenText() {
  return checkedText(parseListenAddress, "must be `host:port`, the port from 1 to 65535");
}

export function urlText() {
  return checkedText(parseUrl, "must be an http or https address without user, query or fragment");
}

export function hostPatternText() {
  return checkedText(parseHostPattern, "must be the name of a host or a domain, or an IP address");
}

/** The path of a file or folder; relative ones count from the configuration's own folder. */
export function pathText() {
  return z.string().min(1);
}
