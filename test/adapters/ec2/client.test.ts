import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateFleetCommand, DescribeInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it, onTestFinished } from "vitest";
import { readFailure } from "../../../src/adapters/aws/errors.ts";
import { createClients } from "../../../src/adapters/ec2/client.ts";
import { CREDENTIALS, settingsAt } from "./stage.ts";

/** Short enough to wait for where no answer comes; whoever gets one is given the client's own time, on a busy machine too. */
const SHORT = { answerMs: 400, launchMs: 400 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answer, patience?: typeof SHORT) {
  const seen = { count: 0 };
  const server = createServer((request, response) => {
    seen.count += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const settings = settingsAt(`http://127.0.0.1:${port}`);
  return { seen, clients: createClients({ settings, credentials: CREDENTIALS }, patience) };
}

const refuse = (code: string, status: number) => (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(status, { "content-type": "text/xml" });
  response.end(
    `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>no</Message></Error></Errors><RequestID>1</RequestID></Response>`,
  );
};

async function failureOf(work: Promise<unknown>) {
  return readFailure(
    await work.then(
      () => new Error("it was answered"),
      (error: unknown) => error,
    ),
  );
}

const END = new TerminateInstancesCommand({ InstanceIds: ["i-00000001"] });
const LAUNCH = new CreateFleetCommand({
  LaunchTemplateConfigs: [],
  TargetCapacitySpecification: { TotalTargetCapacity: 1 },
});
const READ = new DescribeInstancesCommand({});

describe("the official client", () => {
  it("makes a call that changes something once, whatever it is told: who asked repeats it with the same token", async () => {
    const { clients, seen } = await serve(refuse("RequestLimitExceeded", 503));
    expect((await failureOf(clients.write.send(END))).trouble).toBe("throttled");
    expect((await failureOf(clients.launch.send(LAUNCH))).trouble).toBe("throttled");
    expect(seen.count).toBe(2);
  });

  it("repeats a reading that fails in passing, and no reading that is refused", async () => {
    const passing = await serve(refuse("InternalError", 500));
    expect((await failureOf(passing.clients.read.send(READ))).trouble).toBe("unknown");
    expect(passing.seen.count).toBe(3);
    const refused = await serve(refuse("UnauthorizedOperation", 403));
    expect((await failureOf(refused.clients.read.send(READ))).trouble).toBe("denied");
    expect(refused.seen.count).toBe(1);
  });

  it("does not wait for ever for an answer, and what it then knows is nothing", async () => {
    const { clients, seen } = await serve(() => undefined, SHORT);
    expect((await failureOf(clients.launch.send(LAUNCH))).trouble).toBe("unknown");
    expect((await failureOf(clients.write.send(END))).trouble).toBe("unknown");
    expect(seen.count).toBe(2);
  });

  it("knows nothing after an answer that was cut off, or that is none", async () => {
    const cut = await serve((_request, response) => response.destroy());
    expect((await failureOf(cut.clients.write.send(END))).trouble).toBe("unknown");
    const garbled = await serve((_request, response) => response.writeHead(502).end("<html>bad gateway</html>"));
    expect((await failureOf(garbled.clients.write.send(END))).trouble).toBe("unknown");
  });
});
