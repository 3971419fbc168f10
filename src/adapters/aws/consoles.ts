/** What a machine that never checked in wrote to its console: fetched once by whoever asks, and kept by them. */
import { GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import type { Consoles } from "../../ports/provider.ts";
import type { Ec2Reader } from "./ec2-clients.ts";
import { readFailure, toUnavailable } from "./errors.ts";

/** EC2 keeps 64 KB; these are its end. */
const LINES_MAX = 500;
const LINE_LENGTH_MAX = 2_000;

export function createConsoles(clients: Ec2Reader): Consoles {
  return {
    isLasting: false,
    async readConsole(providerId) {
      try {
        const { Output: output } = await clients.read.send(new GetConsoleOutputCommand({ InstanceId: providerId }));
        if (output === undefined || output === "") return null;
        const lines = Buffer.from(output, "base64").toString("utf8").split(/\r?\n/);
        return lines.slice(-LINES_MAX).map((line) => line.slice(0, LINE_LENGTH_MAX));
      } catch (error) {
        if (readFailure(error).trouble === "absent") return null;
        throw toUnavailable(error, `reading the console of instance ${providerId}`);
      }
    },
  };
}
