import { execFileSync } from "node:child_process";
import { createVerify, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunInstancesCommand } from "@aws-sdk/client-ec2";
import { beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { IMAGE, SUBNETS, UNKNOWN } from "./ec2-scene.ts";
import { useEc2 } from "./simulated-ec2-house.ts";

const house = useEc2();
const TTL = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN = "x-aws-ec2-metadata-token";
let url: string;
let id: string;

beforeEach(async () => {
  id = await launch({ HttpTokens: "required", InstanceMetadataTags: "enabled" });
  url = (await house.ec2.startMetadata(id)).url;
});

async function launch(MetadataOptions: {
  HttpTokens: "required" | "optional";
  InstanceMetadataTags: "enabled" | "disabled";
}) {
  const { Instances } = await house.client.send(
    new RunInstancesCommand({
      ImageId: IMAGE,
      InstanceType: "c5.xlarge",
      MinCount: 1,
      MaxCount: 1,
      SubnetId: SUBNETS[0],
      UserData: Buffer.from("#cloud-config\n").toString("base64"),
      InstanceMarketOptions: { MarketType: "spot" },
      MetadataOptions,
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "holdfast:pool", Value: "linux" }] }],
    }),
  );
  return Instances?.[0]?.InstanceId ?? "";
}

async function take(seconds = "60", headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/latest/api/token`, { method: "PUT", headers: { [TTL]: seconds, ...headers } });
}

async function read(path: string, token?: string): Promise<readonly [status: number, text: string]> {
  const given = token ?? (await (await take()).text());
  const response = await fetch(`${url}/latest/${path}`, { headers: given === "" ? {} : { [TOKEN]: given } });
  return [response.status, await response.text()];
}

describe("instance metadata", () => {
  it("asks for a token, which lasts as long as it was asked for", async () => {
    expect(await read("meta-data/instance-id", "")).toEqual([401, ""]);
    expect(await read("meta-data/instance-id", "made-up")).toEqual([401, ""]);
    const token = await (await take("60")).text();
    expect(await read("meta-data/instance-id", token)).toEqual([200, id]);
    house.ec2.advanceClock(2 * MINUTE_MS);
    expect(await read("meta-data/instance-id", token)).toEqual([401, ""]);
  });

  it.each<[what: string, seconds: string, headers: Record<string, string>, status: number]>([
    ["no time", "", {}, 400],
    ["more than six hours", "21601", {}, 400],
    ["a proxy between", "60", { "x-forwarded-for": "10.0.0.9" }, 403],
  ])("gives no token for %s", async (_what, seconds, headers, status) => {
    expect((await take(seconds, headers)).status).toBe(status);
    expect((await fetch(`${url}/latest/api/token`)).status).toBe(405);
  });

  it("answers without a token where the instance was started so, and hides tags that were not to be shown", async () => {
    const open = await launch({ HttpTokens: "optional", InstanceMetadataTags: "disabled" });
    url = (await house.ec2.startMetadata(open)).url;
    expect(await read("meta-data/instance-id", "")).toEqual([200, open]);
    expect((await read("meta-data/tags/instance/holdfast:pool", ""))[0]).toBe(404);
  });

  it("says what the instance is, by leaf and by folder", async () => {
    expect(await read("meta-data/placement/availability-zone")).toEqual([200, "eu-west-1a"]);
    expect(await read("meta-data/placement/")).toEqual([200, "availability-zone\nregion"]);
    expect(await read("meta-data/instance-life-cycle")).toEqual([200, "spot"]);
    expect(await read("meta-data/tags/instance/holdfast:pool")).toEqual([200, "linux"]);
    expect(await read("user-data")).toEqual([200, "#cloud-config\n"]);
    expect((await read("meta-data/nothing"))[0]).toBe(404);
    expect((await read("else"))[0]).toBe(404);
    expect((await read("meta-data/"))[1].split("\n")).toEqual(
      expect.arrayContaining(["instance-id", "placement/", "tags/"]),
    );
  });

  it("has no target of a group until it is in one, and then the latest", async () => {
    expect((await read("meta-data/autoscaling/target-lifecycle-state"))[0]).toBe(404);
    house.ec2.changeInstance(id, { targetLifecycleState: "Terminated" });
    expect(await read("meta-data/autoscaling/target-lifecycle-state")).toEqual([200, "Terminated"]);
  });

  it("has no notice until spot wants its place back, and then says when", async () => {
    expect((await read("meta-data/spot/instance-action"))[0]).toBe(404);
    expect((await read("meta-data/spot/termination-time"))[0]).toBe(404);
    expect((await read("meta-data/events/recommendations/rebalance"))[0]).toBe(404);
    house.ec2.changeInstance(id, { rebalanceAtMs: Date.UTC(2026, 4, 4, 4, 22, 10) });
    house.ec2.interrupt(id);
    const atMs = house.ec2.instances()[0]?.interruption?.atMs ?? 0;
    const time = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
    expect(JSON.parse((await read("meta-data/spot/instance-action"))[1])).toEqual({ action: "terminate", time });
    expect(await read("meta-data/spot/termination-time")).toEqual([200, time]);
    expect(JSON.parse((await read("meta-data/events/recommendations/rebalance"))[1])).toEqual({
      noticeTime: "2026-05-04T04:22:10Z",
    });
  });

  it("is there for instances alone", async () => {
    await expect(house.ec2.startMetadata(UNKNOWN)).rejects.toThrow("which EC2 does not know");
  });
});

describe("the identity document", () => {
  it("names the instance, its account and region, and is the same for as long as it lives", async () => {
    const [, text] = await read("dynamic/instance-identity/document");
    expect(JSON.parse(text)).toMatchObject({
      instanceId: id,
      accountId: "123456789012",
      region: "eu-west-1",
      instanceType: "c5.xlarge",
      imageId: IMAGE,
      availabilityZone: "eu-west-1a",
      architecture: "x86_64",
    });
    house.ec2.advanceClock(5 * HOUR_MS);
    expect((await read("dynamic/instance-identity/document"))[1]).toBe(text);
  });

  it("is signed by the certificate's key", async () => {
    const [, text] = await read("dynamic/instance-identity/document");
    const [, signature] = await read("dynamic/instance-identity/signature");
    const isGood = (document: string) =>
      createVerify("sha256")
        .update(document)
        .verify(new X509Certificate(house.ec2.identity.rsaCertificate).publicKey, signature, "base64");
    expect(isGood(text)).toBe(true);
    expect(isGood(text.replace(id, UNKNOWN))).toBe(false);
  });

  // Skipped: where there is no openssl nobody else can judge the signed messages.
  it.skipIf(!hasOpenssl()).each(["rsa2048", "pkcs7"] as const)(
    "comes as a message that openssl verifies: %s",
    async (kind) => {
      const [, text] = await read("dynamic/instance-identity/document");
      const [, message] = await read(`dynamic/instance-identity/${kind}`);
      expect(message).toMatch(/^MIAGCSqGSIb3DQEHAqCA/);
      const { rsaCertificate, dsaCertificate } = house.ec2.identity;
      const folder = mkdtempSync(join(tmpdir(), "holdfast-identity-"));
      try {
        writeFileSync(join(folder, "message"), `-----BEGIN PKCS7-----\n${message}\n-----END PKCS7-----\n`);
        writeFileSync(join(folder, "certificate"), kind === "rsa2048" ? rsaCertificate : dsaCertificate);
        const files = ["-in", join(folder, "message"), "-certfile", join(folder, "certificate")];
        const said = execFileSync("openssl", ["smime", "-verify", "-inform", "PEM", "-noverify", "-binary", ...files], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
        expect(said).toBe(text);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
