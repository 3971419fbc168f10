/** How connections reach GitHub, and the certificate that we serve: the files and variables that say so, judged. */
import { X509Certificate } from "node:crypto";
import { findTlsFlaw } from "../../http/certificate.ts";
import { parseProxyUrl } from "./addresses.ts";
import type { Draft, DraftConnection } from "./draft.ts";
import { type SecretReader, variableOf } from "./secret-sources.ts";

/** Of a whole bundle of authorities, as systems ship it, with room. */
const CA_BYTES_MAX = 1_048_576;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** What is beside the configuration: null where there is nothing, or after adding a problem. */
export interface NetworkSecret {
  readonly caPem: string | null;
  /** The proxy's address in its variable. */
  readonly proxyUrl: string | null;
}

export async function readNetworks(draft: Draft, reader: SecretReader): Promise<ReadonlyMap<string, NetworkSecret>> {
  const networks = new Map<string, NetworkSecret>();
  for (const [name, connection] of Object.entries(draft.github ?? {})) {
    if (connection === undefined) continue;
    const caPem = await readAuthority(name, connection, reader);
    networks.set(name, { caPem, proxyUrl: readProxyUrl(name, connection, reader) });
  }
  return networks;
}

async function readAuthority(name: string, { caFile }: DraftConnection, reader: SecretReader): Promise<string | null> {
  if (caFile === undefined || caFile === "") return null;
  const source = "name a file with the authority's certificate in PEM form (-----BEGIN CERTIFICATE-----)";
  const certificates = await readCertificates({ path: `github.${name}.caFile`, file: caFile, source }, reader);
  return certificates.length === 0 ? null : certificates.join("\n");
}

interface CertificatePlace {
  readonly path: string;
  readonly file: string;
  readonly source: string;
}

export async function readCertificates(place: CertificatePlace, reader: SecretReader): Promise<readonly string[]> {
  const bytes = await reader.read({ ...place, variable: null, byteCountMax: CA_BYTES_MAX });
  const certificates = bytes?.toString("utf8").match(CERTIFICATE) ?? [];
  if (bytes !== null && (certificates.length === 0 || !certificates.every(isCertificate)))
    reader.problems.add(place.path, "does not hold just certificates in PEM form, at least one", place.source);
  return certificates;
}

/** By the index of the pool: those with which EC2 signs the identity documents of its machines. */
export async function readIdentityCertificates(
  draft: Draft,
  reader: SecretReader,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const found = new Map<number, readonly string[]>();
  for (const [index, pool] of (draft.pools ?? []).entries()) {
    const file = ["ec2", "asg"].includes(String(pool?.provider?.kind))
      ? pool?.provider?.identityCertificateFile
      : undefined;
    if (typeof file !== "string" || file === "") continue;
    const path = `pools[${index}].provider.identityCertificateFile`;
    const source =
      "save the region's RSA-2048 certificate of AWS's user guide in PEM form (-----BEGIN CERTIFICATE-----)";
    found.set(index, await readCertificates({ path, file, source }, reader));
  }
  return found;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function readProxyUrl(name: string, { proxy }: DraftConnection, reader: SecretReader): string | null {
  const path = `github.${name}.proxy.url`;
  const variable = variableOf("github", name, "proxy");
  const found = reader.variable(variable);
  if (found === null) {
    if (proxy !== undefined && proxy.url === undefined)
      reader.problems.add(path, "is missing", `as in \`url: http://proxy:3128\`; or set the variable ${variable}`);
    return null;
  }
  if (proxy?.url !== undefined) {
    reader.problems.add(path, `is set, and the variable ${variable} is too`, "keep one of them");
    return null;
  }
  const url = parseProxyUrl(found);
  if (url === null)
    reader.problems.add(path, `the variable ${variable} must be an http or https address without a path`, PROXY_SHAPE);
  return url;
}

const PROXY_SHAPE = "as in `http://user:password@proxy:3128`, with %40 for an @ in the password";

/** The files are read again when they are served; here they are judged, so that a wrong one is told with the rest. */
export async function checkTls(draft: Draft, reader: SecretReader, nowMs: number): Promise<void> {
  const tls = typeof draft.listen === "object" ? draft.listen.tls : undefined;
  if (!tls?.certificateFile || !tls.keyFile) return;
  const placeOf = (key: "certificateFile" | "keyFile", file: string, source: string) =>
    reader.read({ path: `listen.tls.${key}`, file, variable: null, source });
  const certificate = await placeOf("certificateFile", tls.certificateFile, "name the certificate's file (PEM)");
  const privateKey = await placeOf("keyFile", tls.keyFile, "name the file of the certificate's private key (PEM)");
  if (certificate === null || privateKey === null) return;
  const pair = { certificatePem: certificate.toString("utf8"), keyPem: privateKey.toString("utf8") };
  const flaw = findTlsFlaw(pair, nowMs);
  if (flaw !== null) reader.problems.add(`listen.tls.${flaw.file}`, flaw.problem, flaw.mend);
}
