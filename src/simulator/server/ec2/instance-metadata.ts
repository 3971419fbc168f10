/**
 * The metadata endpoint of one instance (IMDSv2): what it is, its marks, its user data, its signed identity, and whether spot
 * wants its place back. Every reading needs a token, and a token is given to those alone who are not behind a proxy.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { formatInstant } from "../../../domain/instant.ts";
import { SECOND_MS } from "../../../domain/units.ts";
import { findType } from "../../ec2/room.ts";
import type { Ec2State, Instance } from "../../ec2/state.ts";
import type { Timers } from "../clock.ts";
import { type HttpListener, startListener } from "../listener.ts";
import type { IdentitySigner } from "./identity-signer.ts";

export interface InstanceMetadata {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

export interface MetadataParts {
  readonly state: Ec2State;
  readonly timers: Timers;
  readonly signer: IdentitySigner;
}

const TOKEN_PATH = "/latest/api/token";
const TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER = "x-aws-ec2-metadata-token";
const TTL_SECONDS_MAX = 21_600;
const TOKEN_BYTES = 40;
const TOKEN_COUNT_MAX = 1_000;

/** @throws {Error} for an instance that EC2 does not know. */
export async function startInstanceMetadata(parts: MetadataParts, instanceId: string): Promise<InstanceMetadata> {
  const instance = parts.state.known.get(instanceId);
  if (instance === undefined) throw new Error(`the metadata of instance ${instanceId}, which EC2 does not know`);
  const tokens = new Map<string, number>();
  const listener: HttpListener = await startListener(0, (request, response) => {
    request.resume();
    const { status, text, headers = {} } = answerMetadata(parts, instance, tokens, request);
    writeText(response, status, text, headers);
  });
  return { url: `http://127.0.0.1:${listener.port}`, close: () => listener.close() };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function writeText(response: ServerResponse, status: number, text: string, headers: Readonly<Record<string, string>>) {
  response.writeHead(status, { "content-type": "text/plain", server: "EC2ws", ...headers });
  response.end(text);
}

const NOT_FOUND: Answer = { status: 404, text: "" };

function answerMetadata(
  parts: MetadataParts,
  instance: Instance,
  tokens: Map<string, number>,
  { method, url = "/", headers }: IncomingMessage,
): Answer {
  const nowMs = parts.timers.nowMs();
  const path = URL.parse(url.replace(/^\/+/, "/"), "http://metadata.invalid")?.pathname ?? "/";
  if (path === TOKEN_PATH) return method === "PUT" ? giveToken(tokens, headers, nowMs) : { status: 405, text: "" };
  if (method !== "GET" && method !== "HEAD") return { status: 405, text: "" };
  const token = headers[TOKEN_HEADER];
  const isKnown = typeof token === "string" && (tokens.get(token) ?? 0) > nowMs;
  const isNeeded = instance.settings.isTokenRequired || token !== undefined;
  if (isNeeded && !isKnown) return { status: 401, text: "" };
  const text = readMetadata(parts, instance, path, nowMs);
  return text === null ? NOT_FOUND : { status: 200, text };
}

function giveToken(tokens: Map<string, number>, headers: IncomingMessage["headers"], nowMs: number): Answer {
  if (headers["x-forwarded-for"] !== undefined) return { status: 403, text: "" };
  const seconds = Number(headers[TTL_HEADER]);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > TTL_SECONDS_MAX) return { status: 400, text: "" };
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const [oldest] = tokens.keys();
  if (tokens.size >= TOKEN_COUNT_MAX && oldest !== undefined) tokens.delete(oldest);
  tokens.set(token, nowMs + seconds * SECOND_MS);
  return { status: 200, text: token, headers: { [TTL_HEADER]: String(seconds) } };
}

const DATA = "/latest/meta-data/";
const IDENTITY = "/latest/dynamic/instance-identity/";

/** Null where there is nothing of that name. */
function readMetadata(
  { state, signer }: MetadataParts,
  instance: Instance,
  path: string,
  nowMs: number,
): string | null {
  if (path === "/latest/user-data") {
    const { userData } = instance.settings;
    return userData === "" ? null : Buffer.from(userData, "base64").toString("utf8");
  }
  if (path.startsWith(IDENTITY)) {
    const signed = signer.sign(identityDocument(state, instance), nowMs);
    return lookUp({ ...signed }, path.slice(IDENTITY.length));
  }
  if (!path.startsWith(DATA)) return null;
  return lookUp(metadataOf(state, instance), path.slice(DATA.length));
}

/** A leaf by its path, or the names below a folder. */
function lookUp(leaves: Readonly<Record<string, string | null>>, path: string): string | null {
  const leaf = Object.hasOwn(leaves, path) ? leaves[path] : undefined;
  if (leaf !== undefined) return leaf;
  const folder = path === "" || path.endsWith("/") ? path : `${path}/`;
  const names = Object.entries(leaves)
    .filter(([name, value]) => name.startsWith(folder) && value !== null)
    .map(([name]) => name.slice(folder.length).replace(/\/.*$/, "/"));
  return names.length === 0 ? null : [...new Set(names)].sort().join("\n");
}

function metadataOf(state: Ec2State, instance: Instance): Record<string, string | null> {
  const { interruption, settings, market } = instance;
  const isSpot = market === "spot";
  const time = interruption === null ? null : wholeSeconds(interruption.atMs);
  return {
    "ami-id": settings.imageId,
    "autoscaling/target-lifecycle-state": instance.targetLifecycleState,
    "iam/info": settings.profile === null ? null : JSON.stringify({ InstanceProfileArn: settings.profile }),
    "instance-id": instance.id,
    "instance-life-cycle": isSpot ? "spot" : "on-demand",
    "instance-type": instance.type,
    "local-ipv4": instance.privateIpAddress,
    "placement/availability-zone": instance.zone,
    "placement/region": state.options.region,
    "spot/instance-action": interruption === null ? null : JSON.stringify({ action: interruption.action, time }),
    "spot/termination-time": interruption?.action === "terminate" ? time : null,
    "events/recommendations/rebalance":
      instance.rebalanceAtMs === null ? null : JSON.stringify({ noticeTime: wholeSeconds(instance.rebalanceAtMs) }),
    ...(settings.hasTagsInMetadata ? tagLeaves(instance) : {}),
  };
}

function tagLeaves({ tags }: Instance): Record<string, string> {
  return Object.fromEntries([...tags].map(([key, value]) => [`tags/instance/${key}`, value]));
}

function wholeSeconds(epochMs: number): string {
  return `${formatInstant(epochMs).slice(0, "2026-08-19T16:08:55".length)}Z`;
}

/** As AWS writes it: the members in the order of their names, and the same for as long as the instance lives. */
function identityDocument({ options }: Ec2State, instance: Instance): string {
  const document = {
    accountId: options.accountId,
    architecture: findType(options, instance.type)?.architecture ?? "x86_64",
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: instance.settings.imageId,
    instanceId: instance.id,
    instanceType: instance.type,
    kernelId: null,
    pendingTime: wholeSeconds(instance.launchedAtMs),
    privateIp: instance.privateIpAddress,
    ramdiskId: null,
    region: options.region,
    version: "2017-09-30",
  };
  return JSON.stringify(document, null, 2);
}
