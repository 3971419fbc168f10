import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type SecureVersion, type TLSSocket } from "node:tls";
import { Hono } from "hono";
import { expect, it, onTestFinished } from "vitest";
import { createSelfProbe } from "../../src/adapters/network/self-probe.ts";
import { ServedCertificate } from "../../src/http/certificate.ts";
import { listen } from "../../src/http/server.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { type IssuedCertificate, issueCertificate } from "./issue-certificate.ts";
import { clockAt, recordTelemetry } from "./stand-ins.ts";

const clock = clockAt(Date.UTC(2026, 0, 1));

/** Sleeps only until a test wants the next look at the files. */
function renewalClock(): { readonly clock: Clock; look(): Promise<void> } {
  let wake = () => {};
  let onAsleep = () => {};
  return {
    clock: {
      ...clock,
      sleep: (_durationMs, signal) =>
        new Promise((resolve) => {
          wake = resolve;
          signal?.addEventListener("abort", () => resolve(), { once: true });
          onAsleep();
        }),
    },
    look: () =>
      new Promise((resolve) => {
        onAsleep = resolve;
        wake();
      }),
  };
}

async function serve(pair: IssuedCertificate) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-https-"));
  const files = { certificateFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  const write = (next: IssuedCertificate) => {
    writeFileSync(files.certificateFile, next.certificatePem);
    writeFileSync(files.keyFile, next.keyPem);
  };
  write(pair);
  const renewal = renewalClock();
  const certificate = await ServedCertificate.open(files, renewal.clock, recordTelemetry());
  const app = new Hono().get("/", (context) => context.text(`hello ${new URL(context.req.url).protocol}`));
  const listener = await listen(app, { host: "127.0.0.1", port: 0 }, "agents", clock, certificate);
  onTestFinished(async () => {
    await listener.close();
    await certificate.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { listener, write, look: renewal.look };
}

/** @param trusted the one authority that is believed; the name in the certificate is checked too. */
function ask(port: number, trusted: IssuedCertificate): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, ca: trusted.certificatePem, agent: false };
    const asked = request(options, (response) => {
      response.setEncoding("utf8");
      response.once("data", (text: string) => resolve(text));
    });
    asked.once("error", reject);
    asked.end();
  });
}

function openTls(port: number, versions: { minVersion?: SecureVersion; maxVersion?: SecureVersion }) {
  return new Promise<TLSSocket>((resolve, reject) => {
    const ciphers = "DEFAULT:@SECLEVEL=0";
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ciphers, ...versions });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

it("serves HTTPS to whoever trusts its certificate, and to nobody who does not", async () => {
  const sound = issueCertificate();
  const { listener } = await serve(sound);
  expect(await ask(listener.port, sound)).toBe("hello https:");
  await expect(ask(listener.port, issueCertificate())).rejects.toThrow(/certificate/);
});

it("serves a renewed certificate without a restart, while open connections go on", async () => {
  const [first, second] = [issueCertificate("first"), issueCertificate("second")];
  const { listener, write, look } = await serve(first);
  const open = await openTls(listener.port, {});
  await look();
  expect(await ask(listener.port, first)).toBe("hello https:");
  write(second);
  await look();
  expect(await ask(listener.port, second)).toBe("hello https:");
  await expect(ask(listener.port, first)).rejects.toThrow(/certificate/);
  const answered = new Promise<string>((resolve) => open.once("data", (data: Buffer) => resolve(data.toString())));
  open.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
  open.destroy();
});

it("speaks TLS 1.2 and 1.3, and nothing older", async () => {
  const { listener } = await serve(issueCertificate());
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await openTls(listener.port, { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  }
  const old = openTls(listener.port, { minVersion: "TLSv1", maxVersion: "TLSv1.1" });
  await expect(old).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
});

// A handshake may take 20 s: a close that waits for its end is late for this.
const CLOSE_TEST = { timeout: 10_000 };

it("closes while somebody holds a socket without agreeing on TLS", CLOSE_TEST, async () => {
  const { listener } = await serve(issueCertificate());
  const silent = connect(listener.port, "127.0.0.1");
  const ended = new Promise((resolve) => silent.once("close", resolve));
  silent.on("error", () => {});
  await new Promise((resolve) => silent.once("connect", resolve));
  // The server has taken the socket, too, once it answers another one that came later.
  await createSelfProbe().answers(`https://127.0.0.1:${listener.port}`);
  await listener.close();
  await ended;
});

it("is found to answer by ourselves, though its certificate names another address", async () => {
  const { listener } = await serve(issueCertificate());
  expect(await createSelfProbe().answers(`https://127.0.0.1:${listener.port}`)).toBe(true);
  await listener.close();
  expect(await createSelfProbe().answers(`https://127.0.0.1:${listener.port}`)).toBe(false);
});
