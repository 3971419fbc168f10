import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  EXPIRY_WARNING_MS,
  findTlsFlaw,
  RENEWAL_LOOK_MS,
  ServedCertificate,
  type TlsFiles,
} from "../../src/http/certificate.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { LogFields, Telemetry } from "../../src/ports/telemetry.ts";
import { ISSUED_FROM_MS, ISSUED_UNTIL_MS, type IssuedCertificate, issueCertificate } from "./issue-certificate.ts";
import { recordTelemetry } from "./stand-ins.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const SOUND = issueCertificate();
const OTHER = issueCertificate("other");
const ENCRYPTED_KEY = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
}).privateKey;
const KEY_PROBLEM = "holds no private key in PEM form that opens without a passphrase";

describe("a pair that cannot be served is told with its file and what is wrong", () => {
  it.each<[string, Partial<IssuedCertificate>, number, keyof TlsFiles, string]>([
    ["no certificate", { certificatePem: SOUND.keyPem }, NOW_MS, "certificateFile", "holds no certificate in PEM form"],
    ["an empty certificate", { certificatePem: "" }, NOW_MS, "certificateFile", "holds no certificate in PEM form"],
    ["no key", { keyPem: SOUND.certificatePem }, NOW_MS, "keyFile", KEY_PROBLEM],
    ["a key under a passphrase", { keyPem: ENCRYPTED_KEY }, NOW_MS, "keyFile", KEY_PROBLEM],
    [
      "another certificate's key",
      { keyPem: OTHER.keyPem },
      NOW_MS,
      "keyFile",
      "is not the key of the certificate in `certificateFile`",
    ],
    ["expired", {}, ISSUED_UNTIL_MS, "certificateFile", "expired at 2049-01-01T00:00:00.000Z"],
    ["not valid yet", {}, ISSUED_FROM_MS - 1, "certificateFile", "is not valid before 2020-01-01T00:00:00.000Z"],
    [
      "a broken certificate above it",
      { certificatePem: `${SOUND.certificatePem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
      NOW_MS,
      "certificateFile",
      "is refused by TLS: too weak, or something in it is broken",
    ],
  ])("%s", (_name, broken, nowMs, file, problem) => {
    expect(findTlsFlaw({ ...SOUND, ...broken }, nowMs)).toMatchObject({ file, problem });
  });

  it.each([
    ["in its first moment", ISSUED_FROM_MS],
    ["in its last moment", ISSUED_UNTIL_MS - 1],
  ])("not: a sound one %s", (_name, nowMs) => {
    expect(findTlsFlaw(SOUND, nowMs)).toBeNull();
  });
});

/** Time stands still until a test lets the next look at the files happen, and waits for its end. */
function lookClock(nowMs: number) {
  let wake: (() => void) | null = null;
  let onAsleep: (() => void) | null = null;
  const sleeps: number[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        sleeps.push(durationMs);
        wake = resolve;
        onAsleep?.();
        if (signal?.aborted) return resolve();
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const look = (): Promise<void> =>
    new Promise((resolve) => {
      onAsleep = resolve;
      wake?.();
    });
  return { clock, look, sleeps };
}

function recordLines(): Telemetry & { readonly lines: { readonly message: string; readonly fields: LogFields }[] } {
  const lines: { message: string; fields: LogFields }[] = [];
  const note = (message: string, fields: LogFields = {}) => void lines.push({ message, fields });
  return { ...recordTelemetry(), lines, info: note, warn: note };
}

async function openIn(pair: IssuedCertificate, nowMs = NOW_MS) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files: TlsFiles = { certificateFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  const write = (next: Partial<IssuedCertificate>) => {
    if (next.certificatePem !== undefined) writeFileSync(files.certificateFile, next.certificatePem);
    if (next.keyPem !== undefined) writeFileSync(files.keyFile, next.keyPem);
  };
  write(pair);
  const { clock, look, sleeps } = lookClock(nowMs);
  const telemetry = recordLines();
  const certificate = await ServedCertificate.open(files, clock, telemetry);
  onTestFinished(() => certificate.close());
  return { certificate, files, write, look, sleeps, lines: telemetry.lines };
}

describe("a certificate that is served", () => {
  it("is taken anew when both files are renewed, and nothing is said while they are not", async () => {
    const { certificate, write, look, sleeps, lines } = await openIn(SOUND);
    await look();
    expect(lines).toEqual([]);
    write(OTHER);
    await look();
    expect(certificate.contextOptions()).toEqual({
      cert: OTHER.certificatePem,
      key: OTHER.keyPem,
      minVersion: "TLSv1.2",
    });
    expect(lines.map(({ message }) => message)).toEqual(["a renewed certificate is served"]);
    expect(new Set(sleeps)).toEqual(new Set([RENEWAL_LOOK_MS]));
  });

  it.each<[string, Partial<IssuedCertificate>]>([
    ["half written", { certificatePem: OTHER.certificatePem }],
    ["no certificate at all", { certificatePem: "soon", keyPem: "soon" }],
    ["expired", issueCertificate("late", { untilMs: NOW_MS })],
  ])(
    "stays while its renewal is broken (%s), with one warning, and follows once it is whole",
    async (_name, broken) => {
      const { certificate, write, look, lines } = await openIn(SOUND);
      write(broken);
      await look();
      await look();
      expect(certificate.contextOptions().cert).toBe(SOUND.certificatePem);
      expect(lines.map(({ message }) => message)).toEqual([
        "the renewed certificate cannot be used; the old one is served",
      ]);
      expect(JSON.stringify(lines)).not.toContain("PRIVATE KEY");
      write(OTHER);
      await look();
      expect(certificate.contextOptions().cert).toBe(OTHER.certificatePem);
    },
  );

  it("stays while its files are gone", async () => {
    const { certificate, files, look, lines } = await openIn(SOUND);
    rmSync(files.keyFile);
    await look();
    await look();
    expect(certificate.contextOptions().cert).toBe(SOUND.certificatePem);
    expect(lines.map(({ message }) => message)).toEqual([
      "the certificate's files cannot be read again; the old one is served",
    ]);
  });

  it.each([
    ["a week before it expires", ISSUED_UNTIL_MS - EXPIRY_WARNING_MS, 1],
    ["earlier", ISSUED_UNTIL_MS - EXPIRY_WARNING_MS - 1, 0],
  ])("is warned of %s", async (_name, nowMs, warningCount) => {
    const { look, lines } = await openIn(SOUND, nowMs);
    await look();
    await look();
    expect(lines.filter(({ message }) => message.includes("expires soon"))).toHaveLength(warningCount);
  });

  it("is refused at the start where it is not sound", async () => {
    await expect(openIn({ ...SOUND, keyPem: OTHER.keyPem })).rejects.toMatchObject({ code: "config-invalid" });
    const files = { certificateFile: join(tmpdir(), "none.pem"), keyFile: join(tmpdir(), "none.pem") };
    const { clock } = lookClock(NOW_MS);
    const opening = ServedCertificate.open(files, clock, recordTelemetry());
    await expect(opening).rejects.toMatchObject({ code: "config-unreadable" });
  });
});
