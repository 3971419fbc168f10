/**
 * Reads a signed message (PKCS #7 `SignedData`, RFC 2315) with its content inside, and says whose signature holds. As much
 * of it as EC2's identity documents need: RSA over SHA-256, one signer, with signed attributes or without; BER's indefinite
 * lengths too, which EC2 writes. Whatever else it meets is no signed message.
 */
import { createHash, verify, X509Certificate } from "node:crypto";

const MESSAGE_BYTES_MAX = 32 * 1024;
/** Deeper than any message of this kind. */
const DEPTH_MAX = 16;
const ELEMENTS_MAX = 500;

const TAG = { integer: 0x02, octets: 0x04, object: 0x06, sequence: 0x30, set: 0x31, context: 0xa0 } as const;
const CONSTRUCTED = 0x20;

const SIGNED_DATA = "2a864886f70d010702";
const DATA = "2a864886f70d010701";
const SHA256 = "608648016503040201";
const MESSAGE_DIGEST = "2a864886f70d010904";
const CONTENT_TYPE = "2a864886f70d010903";

interface Element {
  readonly tag: number;
  /** With its tag and length. */
  readonly whole: Buffer;
  /** Without. Of a constructed element, its parts one after the other. */
  readonly content: Buffer;
  readonly parts: readonly Element[];
  readonly end: number;
}

class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/**
 * @param bytes the message, DER or BER.
 * @param certificates PEM of those whose signature counts.
 * @returns the content that one of them signed; null for everything else.
 */
export function openSigned(bytes: Uint8Array, certificates: readonly string[]): Buffer | null {
  try {
    const { content, signature, signed } = readMessage(Buffer.from(bytes));
    const keys = certificates.map((pem) => new X509Certificate(pem).publicKey);
    const isSigned = keys.some((key) => key.asymmetricKeyType === "rsa" && verify("sha256", signed, key, signature));
    return isSigned ? content : null;
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

interface Message {
  readonly content: Buffer;
  /** What the signature is over: the content, or attributes that name its hash. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

function readMessage(bytes: Buffer): Message {
  if (bytes.length > MESSAGE_BYTES_MAX) throw new Unreadable("it is too long");
  const budget = { count: ELEMENTS_MAX };
  const outer = readElement(bytes, 0, 0, budget);
  const [kind, wrapped] = demandParts(outer, TAG.sequence);
  demandObject(kind, SIGNED_DATA);
  const [data] = demandParts(wrapped, TAG.context);
  const [, , inner, ...rest] = demandParts(data, TAG.sequence);
  const [innerKind, innerContent] = demandParts(inner, TAG.sequence);
  demandObject(innerKind, DATA);
  const [text] = demandParts(innerContent, TAG.context);
  const content = readOctets(text);
  const signers = demandParts(rest.at(-1), TAG.set);
  if (signers.length !== 1) throw new Unreadable("it has not just one signer");
  return { content, ...readSigner(signers[0], content) };
}

/** version, issuer and serial, digest's algorithm, attributes where there are some, signature's algorithm, signature */
function readSigner(signer: Element | undefined, content: Buffer): Omit<Message, "content"> {
  const parts = demandParts(signer, TAG.sequence);
  const [algorithm] = demandParts(parts[2], TAG.sequence);
  demandObject(algorithm, SHA256);
  const attributes = parts[3]?.tag === TAG.context ? parts[3] : null;
  const signature = readOctets(parts[attributes === null ? 4 : 5]);
  if (attributes === null) return { signed: content, signature };
  const digest = createHash("sha256").update(content).digest();
  if (!readOctets(findAttribute(attributes, MESSAGE_DIGEST)).equals(digest))
    throw new Unreadable("its attributes are of another content");
  demandObject(findAttribute(attributes, CONTENT_TYPE), DATA);
  // The signature is over the attributes as a set, whatever tag they stand under.
  return { signed: Buffer.concat([Buffer.from([TAG.set]), attributes.whole.subarray(1)]), signature };
}

function findAttribute(attributes: Element, object: string): Element {
  const found = attributes.parts.filter(({ parts: [name] }) => name?.content.toString("hex") === object);
  const value = found.length === 1 ? demandParts(found[0]?.parts[1], TAG.set) : [];
  if (value.length !== 1 || value[0] === undefined) throw new Unreadable("an attribute is not there once");
  return value[0];
}

function demandParts(element: Element | undefined, tag: number): readonly Element[] {
  if (element?.tag !== tag) throw new Unreadable("it is not built so");
  return element.parts;
}

function demandObject(element: Element | undefined, object: string): void {
  if (element?.tag !== TAG.object || element.content.toString("hex") !== object)
    throw new Unreadable("it is of another kind");
}

/** Octets may come in parts. */
function readOctets(element: Element | undefined): Buffer {
  if (element?.tag === TAG.octets) return element.content;
  if (element?.tag !== (TAG.octets | CONSTRUCTED)) throw new Unreadable("it has no octets there");
  return Buffer.concat(element.parts.map(readOctets));
}

function readElement(bytes: Buffer, start: number, depth: number, budget: { count: number }): Element {
  budget.count -= 1;
  if (budget.count < 0 || depth > DEPTH_MAX) throw new Unreadable("it has too many parts");
  const tag = byteAt(bytes, start);
  const { length, from } = readLength(bytes, start + 1);
  const limit = length === null ? bytes.length : from + length;
  if (limit > bytes.length) throw new Unreadable("it is cut off");
  const parts: Element[] = [];
  let at = from;
  if ((tag & CONSTRUCTED) !== 0)
    while (length === null ? !isEnd(bytes, at) : at < limit) {
      const part = readElement(bytes, at, depth + 1, budget);
      if (part.end > limit) throw new Unreadable("a part is longer than the whole");
      parts.push(part);
      at = part.end;
    }
  else if (length === null) throw new Unreadable("only what has parts may be without a length");
  const contentEnd = length === null ? at : limit;
  const end = length === null ? at + 2 : limit;
  return { tag, whole: bytes.subarray(start, end), content: bytes.subarray(from, contentEnd), parts, end };
}

function isEnd(bytes: Buffer, at: number): boolean {
  return byteAt(bytes, at) === 0 && byteAt(bytes, at + 1) === 0;
}

/** @returns null for a length that an end mark tells. */
function readLength(bytes: Buffer, at: number): { readonly length: number | null; readonly from: number } {
  const first = byteAt(bytes, at);
  if (first === 0x80) return { length: null, from: at + 1 };
  if (first < 0x80) return { length: first, from: at + 1 };
  const byteCount = first & 0x7f;
  if (byteCount > 3) throw new Unreadable("it is too long");
  let length = 0;
  for (let index = 1; index <= byteCount; index += 1) length = length * 256 + byteAt(bytes, at + index);
  return { length, from: at + 1 + byteCount };
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Unreadable("it is cut off");
  return byte;
}
