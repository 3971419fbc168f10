/** The certificate that HTTPS is served with: judged before it is used, and read again so that a renewal needs no restart. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import { HoldfastError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import { DAY_MS, MINUTE_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogFields, Telemetry } from "../ports/telemetry.ts";

/** How often the files are looked at: a renewal is served this much later at most. */
export const RENEWAL_LOOK_MS = MINUTE_MS;
/** Whoever renews certificates by a program does it weeks ahead: so late something is wrong with it. */
export const EXPIRY_WARNING_MS = 7 * DAY_MS;

export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface TlsPair {
  /** The certificate, and after it those of the authorities up to the root. */
  readonly certificatePem: string;
  /** Secret. */
  readonly keyPem: string;
}

/** What keeps a pair from being served, and what to do. */
export interface TlsFlaw {
  readonly file: keyof TlsFiles;
  readonly problem: string;
  readonly mend: string;
}

/** @returns null for a pair that can be served now. */
export function findTlsFlaw(pair: TlsPair, nowMs: number): TlsFlaw | null {
  const certificate = orNull(() => new X509Certificate(pair.certificatePem));
  if (certificate === null) {
    const mend = "name the file with the certificate and, after it, those of the authorities above it (fullchain.pem)";
    return { file: "certificateFile", problem: "holds no certificate in PEM form", mend };
  }
  const key = orNull(() => createPrivateKey(pair.keyPem));
  if (key === null) {
    const mend = "name the certificate's private key, without a passphrase";
    return { file: "keyFile", problem: "holds no private key in PEM form that opens without a passphrase", mend };
  }
  return findMismatch(certificate, key) ?? findOutOfTime(certificate, nowMs) ?? findRefused(pair);
}

function findMismatch(certificate: X509Certificate, key: KeyObject): TlsFlaw | null {
  if (certificate.checkPrivateKey(key)) return null;
  const mend = "name the key that the certificate was requested with; in the certificate's file, its own comes first";
  return { file: "keyFile", problem: "is not the key of the certificate in `certificateFile`", mend };
}

function findOutOfTime(certificate: X509Certificate, nowMs: number): TlsFlaw | null {
  const file = "certificateFile";
  const fromMs = certificate.validFromDate.getTime();
  const untilMs = certificate.validToDate.getTime();
  if (nowMs >= untilMs)
    return {
      file,
      problem: `expired at ${formatInstant(untilMs)}`,
      mend: "renew it, or set this computer's clock right",
    };
  if (nowMs >= fromMs) return null;
  const mend = "wait until then, or set this computer's clock right";
  return { file, problem: `is not valid before ${formatInstant(fromMs)}`, mend };
}

/** What only TLS itself knows to refuse: a key that is too short, a broken certificate after the first. */
function findRefused({ certificatePem, keyPem }: TlsPair): TlsFlaw | null {
  if (orNull(() => createSecureContext({ cert: certificatePem, key: keyPem })) !== null) return null;
  const mend = "get one with an RSA key of at least 2048 bits or an elliptic one, and whole certificates after it";
  return { file: "certificateFile", problem: "is refused by TLS: too weak, or something in it is broken", mend };
}

function orNull<Value>(parse: () => Value): Value | null {
  try {
    return parse();
  } catch {
    return null;
  }
}

/** Lives as long as the servers that it is served on. */
export class ServedCertificate {
  readonly #files: TlsFiles;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #servers = new Set<Server>();
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  #pair: TlsPair;
  /** The last thing that was warned of, so that it is said once and not each time the files are looked at. */
  #warned: string | null = null;

  private constructor(files: TlsFiles, pair: TlsPair, clock: Clock, telemetry: Telemetry) {
    this.#files = files;
    this.#pair = pair;
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#watching = this.#watch();
  }

  /** @throws {HoldfastError} `config-unreadable` | `config-invalid` */
  static async open(files: TlsFiles, clock: Clock, telemetry: Telemetry): Promise<ServedCertificate> {
    const pair = await readPair(files);
    const flaw = findTlsFlaw(pair, clock.nowMs());
    if (flaw === null) return new ServedCertificate(files, pair, clock, telemetry);
    throw new HoldfastError("config-invalid", `serving HTTPS: ${files[flaw.file]} ${flaw.problem}: ${flaw.mend}`);
  }

  /** What a server is made with, and given again after a renewal. */
  contextOptions() {
    return { cert: this.#pair.certificatePem, key: this.#pair.keyPem, minVersion: "TLSv1.2" } as const;
  }

  /** Gives the server every renewal until it closes. Connections that are open go on under the old certificate. */
  renewOn(server: Server): void {
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#clock.sleep(RENEWAL_LOOK_MS, signal);
      if (!signal.aborted) await this.#renew();
    }
  }

  /** A renewal that is broken, or half written, leaves the old pair in use: it serves until it expires. */
  async #renew(): Promise<void> {
    const { certificateFile } = this.#files;
    let pair: TlsPair;
    try {
      pair = await readPair(this.#files);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#warn("the certificate's files cannot be read again; the old one is served", { reason: error.message });
      return;
    }
    if (pair.certificatePem === this.#pair.certificatePem && pair.keyPem === this.#pair.keyPem) {
      this.#warnOfExpiry();
      return;
    }
    const flaw = findTlsFlaw(pair, this.#clock.nowMs());
    if (flaw !== null) {
      const fields = { file: this.#files[flaw.file], problem: flaw.problem, mend: flaw.mend };
      this.#warn("the renewed certificate cannot be used; the old one is served", fields);
      return;
    }
    this.#pair = pair;
    this.#warned = null;
    for (const server of this.#servers) server.setSecureContext(this.contextOptions());
    this.#telemetry.info("a renewed certificate is served", {
      file: certificateFile,
      until: formatInstant(this.#untilMs()),
    });
  }

  #warnOfExpiry(): void {
    const untilMs = this.#untilMs();
    if (untilMs - this.#clock.nowMs() > EXPIRY_WARNING_MS) {
      this.#warned = null;
      return;
    }
    const fields = { file: this.#files.certificateFile, until: formatInstant(untilMs) };
    this.#warn("the certificate expires soon and has not been renewed", fields);
  }

  #untilMs(): number {
    return new X509Certificate(this.#pair.certificatePem).validToDate.getTime();
  }

  #warn(message: string, fields: LogFields): void {
    const said = JSON.stringify([message, fields]);
    if (said === this.#warned) return;
    this.#warned = said;
    this.#telemetry.warn(message, fields);
  }
}

/** @throws {HoldfastError} `config-unreadable` */
async function readPair({ certificateFile, keyFile }: TlsFiles): Promise<TlsPair> {
  return { certificatePem: await readPem(certificateFile), keyPem: await readPem(keyFile) };
}

function readPem(file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: unknown) => {
    throw new HoldfastError("config-unreadable", `reading ${file} to serve HTTPS`, { cause });
  });
}
