/** Makes certificates that sign themselves, for 127.0.0.1 and localhost: Node can read them but not write them. */
import { generateKeyPairSync, sign } from "node:crypto";

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export const ISSUED_FROM_MS = Date.UTC(2020, 0, 1);
export const ISSUED_UNTIL_MS = Date.UTC(2049, 0, 1);

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const BOOLEAN = 0x01;
const UTF8 = 0x0c;
const UTC_TIME = 0x17;
const CONTEXT = 0xa0;

const ECDSA_WITH_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");
const BASIC_CONSTRAINTS = Buffer.from("0603551d13", "hex");
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");
const TRUE = der(BOOLEAN, Buffer.from([0xff]));

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(body.length)]), body]);
}

/** As few bytes as it takes: Go reads no certificate that spends more (X.690, 10.1). */
function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function utcTime(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, "");
  return der(UTC_TIME, Buffer.from(`${digits.slice(2, 14)}Z`));
}

/** It is its own authority, so that a client that trusts it trusts this certificate and no other. */
export function issueCertificate(
  name = "holdfast",
  { fromMs = ISSUED_FROM_MS, untilMs = ISSUED_UNTIL_MS }: { readonly fromMs?: number; readonly untilMs?: number } = {},
): IssuedCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from(name)))));
  const names = der(SEQUENCE, der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = der(
    SEQUENCE,
    der(SEQUENCE, BASIC_CONSTRAINTS, TRUE, der(OCTET_STRING, der(SEQUENCE, TRUE))),
    der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, names)),
  );
  const body = der(
    SEQUENCE,
    der(CONTEXT, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    subject,
    der(SEQUENCE, utcTime(fromMs), utcTime(untilMs)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(CONTEXT + 3, extensions),
  );
  const signature = der(BIT_STRING, Buffer.from([0]), sign("sha256", body, privateKey));
  const base64 = der(SEQUENCE, body, algorithm, signature).toString("base64").replace(/.{64}/g, "$&\n");
  return {
    certificatePem: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
