/** ASN.1, as far as certificates and signed messages need it: by DER, and by BER where lengths are left open. */

export const TAGS = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  openOctetString: 0x24,
  context: 0xa0,
} as const;

const SHORT_MAX = 0x7f;
const OPEN_LENGTH = 0x80;

/** With its length, which is that of its parts. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...encodeLength(body.length)]), body]);
}

/** Without a length: an end mark follows the parts, as in AWS's signatures. */
export function encodeOpen(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([tag, OPEN_LENGTH]), ...parts, Buffer.from([0, 0])]);
}

function encodeLength(length: number): readonly number[] {
  if (length <= SHORT_MAX) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [OPEN_LENGTH + bytes.length, ...bytes];
}

/** By its numbers: `1.2.840.113549.1.7.2`. */
export function encodeObjectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest.flatMap(encodeArc)];
  return encode(0x06, Buffer.from(bytes));
}

/** Seven bits a byte, all but the last with the high bit. */
function encodeArc(arc: number): readonly number[] {
  const bytes = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift((left % 128) + 128);
  return bytes;
}

export function encodeInteger(value: number): Buffer {
  return encode(TAGS.integer, Buffer.from([value]));
}

/** @param instant as `2026-08-19T16:08:55.123Z`. */
export function encodeUtcTime(instant: string): Buffer {
  const digits = instant.replace(/\D/g, "");
  return encode(TAGS.utcTime, Buffer.from(`${digits.slice(2, 14)}Z`));
}
