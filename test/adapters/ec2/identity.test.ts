/** What the simulator's metadata service signs, the controller believes, for that instance and region. */
import { expect, it } from "vitest";
import { readInstanceIdentity } from "../../../src/http/agents/instance-identity.ts";
import { createIdentitySigner } from "../../../src/simulator/server/ec2/identity-signer.ts";

const DOCUMENT = { instanceId: "i-0123456789abcdef0", region: "eu-west-1", accountId: "123456789012" };

it("a document of the simulated EC2 names its instance", () => {
  const signer = createIdentitySigner();
  const { rsa2048, pkcs7 } = signer.sign(JSON.stringify(DOCUMENT), Date.UTC(2026, 0, 1));
  const authorities = [{ region: "eu-west-1", certificates: [signer.rsaCertificate] }];
  expect(readInstanceIdentity(rsa2048, authorities)).toEqual(DOCUMENT);
  // DSA over SHA-1 is AWS's older signature, and is not believed.
  expect(readInstanceIdentity(pkcs7, authorities)).toBeNull();
});
