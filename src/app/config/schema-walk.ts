import * as z from "zod";
import { type KeyNote, noteOf } from "./key.ts";

/** The block, list or plain value inside a key's schema: without what makes it optional, gives a default or transforms. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault)
    return unwrap(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType);
  // A union is a short form and an object.
  if (schema instanceof z.ZodUnion) {
    const options = schema.options.map((option) => unwrap(option as z.ZodType));
    return options.find((option) => option instanceof z.ZodObject) ?? schema;
  }
  return schema;
}

export function shapeOf(schema: z.ZodType): ReadonlyMap<string, z.ZodType> {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return new Map();
  return new Map(Object.entries(inner.shape as Record<string, z.ZodType>));
}

/** What a list or a record is made of. */
export function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return inner.element as z.ZodType;
  return inner instanceof z.ZodRecord ? (inner.valueType as z.ZodType) : undefined;
}

export interface SchemaPlace {
  readonly schema: z.ZodType;
  /** Of the key itself, or of the nearest one around it. */
  readonly note: KeyNote | null;
}

/** The schema at a path; null where there is none. */
export function findSchema(root: z.ZodType, path: readonly PropertyKey[]): SchemaPlace | null {
  let place: SchemaPlace = { schema: root, note: null };
  for (const part of path) {
    const schema = shapeOf(place.schema).get(String(part)) ?? elementOf(place.schema);
    if (schema === undefined) return null;
    place = { schema, note: noteOf(schema) ?? place.note };
  }
  return place;
}
