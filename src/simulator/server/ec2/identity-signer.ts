/**
 * Signs instance identity documents as AWS does, with keys of one's own: `signature` is RSA over SHA-256 in Base64, `rsa2048`
 * and `pkcs7` are signed messages (RFC 5652) that hold the document and name, but do not hold, the certificate: RSA and
 * SHA-256 in the one, DSA and SHA-1 in the other. (EC2 user guide, "Instance identity documents".)
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { formatInstant } from "../../../domain/instant.ts";
import { encode, encodeInteger, encodeObjectId, encodeOpen, encodeUtcTime, TAGS } from "./encoding.ts";

export interface SignedDocument {
  readonly document: string;
  readonly signature: string;
  readonly pkcs7: string;
  readonly rsa2048: string;
}

export interface IdentitySigner {
  /** PEM of the certificate that `signature` and `rsa2048` are good by. */
  readonly rsaCertificate: string;
  /** PEM of the certificate that `pkcs7` is good by. */
  readonly dsaCertificate: string;
  sign(document: string, nowMs: number): SignedDocument;
}

interface Signatory {
  readonly privateKey: KeyObject;
  readonly certificate: string;
  readonly digest: "sha256" | "sha1";
  readonly digestAlgorithm: Buffer;
  readonly signatureAlgorithm: Buffer;
}

const OBJECT_IDS = {
  commonName: "2.5.4.3",
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingTime: "1.2.840.113549.1.9.5",
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
  rsaWithSha256: "1.2.840.113549.1.1.11",
  rsa: "1.2.840.113549.1.1.1",
  dsaWithSha1: "1.2.840.10040.4.3",
} as const;

const RSA_BITS = 2_048;
const DSA_BITS = 1_024;
const DSA_DIVISOR_BITS = 160;
const SERIAL = 1;
const VALID_FROM = "2020-01-01T00:00:00Z";
const VALID_UNTIL = "2049-01-01T00:00:00Z";
const ISSUER = "Simulated EC2 instance identity";
const NULL = Buffer.from([0x05, 0x00]);
const LINE_LENGTH = 64;

export function createIdentitySigner(): IdentitySigner {
  const rsa = createSignatory(
    generateKeyPairSync("rsa", { modulusLength: RSA_BITS }),
    "sha256",
    algorithm(OBJECT_IDS.rsaWithSha256, NULL),
    algorithm(OBJECT_IDS.rsa, NULL),
  );
  const dsaAlgorithm = algorithm(OBJECT_IDS.dsaWithSha1);
  const dsa = createSignatory(
    generateKeyPairSync("dsa", { modulusLength: DSA_BITS, divisorLength: DSA_DIVISOR_BITS }),
    "sha1",
    dsaAlgorithm,
    dsaAlgorithm,
  );
  return {
    rsaCertificate: rsa.certificate,
    dsaCertificate: dsa.certificate,
    sign: (document, nowMs) => ({
      document,
      signature: wrap(sign("sha256", Buffer.from(document), rsa.privateKey)),
      pkcs7: wrap(signMessage(dsa, document, nowMs)),
      rsa2048: wrap(signMessage(rsa, document, nowMs)),
    }),
  };
}

function createSignatory(
  { privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
  digest: Signatory["digest"],
  certificateAlgorithm: Buffer,
  signatureAlgorithm: Buffer,
): Signatory {
  const body = encode(
    TAGS.sequence,
    encode(TAGS.context, encodeInteger(2)),
    encodeInteger(SERIAL),
    certificateAlgorithm,
    issuer(),
    encode(TAGS.sequence, encodeUtcTime(VALID_FROM), encodeUtcTime(VALID_UNTIL)),
    issuer(),
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = encode(TAGS.bitString, Buffer.from([0]), sign(digest, body, privateKey));
  const encoded = encode(TAGS.sequence, body, certificateAlgorithm, signature);
  const certificate = `-----BEGIN CERTIFICATE-----\n${wrap(encoded)}\n-----END CERTIFICATE-----\n`;
  const digestAlgorithm = algorithm(digest === "sha1" ? OBJECT_IDS.sha1 : OBJECT_IDS.sha256, NULL);
  return { privateKey, certificate, digest, digestAlgorithm, signatureAlgorithm };
}

function algorithm(objectId: string, ...parameters: readonly Buffer[]): Buffer {
  return encode(TAGS.sequence, encodeObjectId(objectId), ...parameters);
}

function issuer(): Buffer {
  const name = encode(TAGS.sequence, encodeObjectId(OBJECT_IDS.commonName), encode(TAGS.utf8, Buffer.from(ISSUER)));
  return encode(TAGS.sequence, encode(TAGS.set, name));
}

/** With open lengths, and the document in a string of one piece, as AWS writes it. */
function signMessage(signatory: Signatory, document: string, nowMs: number): Buffer {
  const { digestAlgorithm } = signatory;
  const content = encodeOpen(
    TAGS.sequence,
    encodeObjectId(OBJECT_IDS.data),
    encodeOpen(TAGS.context, encodeOpen(TAGS.openOctetString, encode(TAGS.octetString, Buffer.from(document)))),
  );
  const signedData = encodeOpen(
    TAGS.sequence,
    encodeInteger(1),
    encode(TAGS.set, digestAlgorithm),
    content,
    encode(TAGS.set, signerInfo(signatory, document, nowMs)),
  );
  return encodeOpen(TAGS.sequence, encodeObjectId(OBJECT_IDS.signedData), encodeOpen(TAGS.context, signedData));
}

/** What is signed is not the document but attributes, of which one is its digest. */
function signerInfo(signatory: Signatory, document: string, nowMs: number): Buffer {
  const { privateKey, digest, digestAlgorithm, signatureAlgorithm } = signatory;
  const attributes = [
    attribute(OBJECT_IDS.contentType, encodeObjectId(OBJECT_IDS.data)),
    attribute(OBJECT_IDS.signingTime, encodeUtcTime(formatInstant(nowMs))),
    attribute(OBJECT_IDS.messageDigest, encode(TAGS.octetString, createHash(digest).update(document).digest())),
  ].sort(Buffer.compare);
  const signature = sign(digest, encode(TAGS.set, ...attributes), privateKey);
  return encode(
    TAGS.sequence,
    encodeInteger(1),
    encode(TAGS.sequence, issuer(), encodeInteger(SERIAL)),
    digestAlgorithm,
    encode(TAGS.context, ...attributes),
    signatureAlgorithm,
    encode(TAGS.octetString, signature),
  );
}

function attribute(objectId: string, value: Buffer): Buffer {
  return encode(TAGS.sequence, encodeObjectId(objectId), encode(TAGS.set, value));
}

function wrap(bytes: Buffer): string {
  return bytes.toString("base64").replace(new RegExp(`(.{${LINE_LENGTH}})(?=.)`, "g"), "$1\n");
}
