/** Reads the wire format of protobuf (https://protobuf.dev/programming-guides/encoding/), as far as OTLP uses it. */

/** A field's values in the order in which they came: bytes for what has a length, numbers for the rest. */
export type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

const VARINT = 0;
const EIGHT_BYTES = 1;
const WITH_LENGTH = 2;
const FOUR_BYTES = 5;

export function readFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw new Error("the message ends in the middle of a number");
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error("the message ends in the middle of a field");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const value = readValue(tag & 7, varint, take);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

function readValue(type: number, varint: () => bigint, take: (length: number) => Uint8Array): Uint8Array | bigint {
  switch (type) {
    case VARINT:
      return varint();
    case EIGHT_BYTES:
      return new DataView(take(8).slice().buffer).getBigUint64(0, true);
    case FOUR_BYTES:
      return BigInt(new DataView(take(4).slice().buffer).getUint32(0, true));
    case WITH_LENGTH:
      return take(Number(varint()));
    default:
      throw new Error(`a field has the type ${type}, which OTLP does not use`);
  }
}

export function messagesIn(fields: Fields, field: number): readonly Fields[] {
  return (fields.get(field) ?? []).map((value) => readFields(bytesOf(value)));
}

export function textIn(fields: Fields, field: number): string {
  const [value] = fields.get(field) ?? [];
  return value === undefined ? "" : Buffer.from(bytesOf(value)).toString("utf8");
}

export function hexIn(fields: Fields, field: number): string {
  const [value] = fields.get(field) ?? [];
  return value === undefined ? "" : Buffer.from(bytesOf(value)).toString("hex");
}

export function numberIn(fields: Fields, field: number): number {
  const [value = 0n] = fields.get(field) ?? [];
  if (typeof value !== "bigint") throw new Error(`field ${field} is not a number`);
  return Number(value);
}

function bytesOf(value: Uint8Array | bigint): Uint8Array {
  if (typeof value === "bigint") throw new Error("a number is where a message should be");
  return value;
}
