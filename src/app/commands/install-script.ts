/** `holdfast install-script`: what installs the agent in the image of a group's machines. Written from the file alone. */
import { bundlePath } from "../../http/agents/bundle.ts";
import { agentBundle } from "../agent-bundle.ts";
import { installScript } from "../agent-installer.ts";
import { readConfig } from "../config/read.ts";
import type { CommandIo } from "../terminal/io.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";

export function runInstallScript(poolName: string, configPath: string, io: CommandIo): Promise<ExitCode> {
  return telling(io, {}, async () => {
    const { controllerId, pools, urls } = await readConfig(configPath, io.environment);
    const pool = pools.find(({ policy }) => policy.name === poolName);
    if (pool?.provider.kind !== "asg") {
      const groups = pools.filter(({ provider }) => provider.kind === "asg").map(({ policy }) => policy.name);
      throw new CommandError("writing the script that installs the agent", {
        code: "usage",
        wrong:
          pool === undefined
            ? `${configPath} has no pool ${JSON.stringify(poolName)}.`
            : `Pool ${poolName} is of kind ${pool.provider.kind}, whose machines install the agent by themselves.`,
        mend: groups.length === 0 ? "Add a pool of kind asg." : `Name a pool of kind asg: ${groups.join(", ")}.`,
      });
    }
    const { sha256, entry } = agentBundle();
    const script = installScript({
      controllerId,
      pool: pool.policy.name,
      controllerUrl: urls.agents,
      runnerDirectory: pool.runner.directory,
      runnerUser: pool.provider.runnerUser,
      runnerEnvironment: pool.runner.environment,
      bundle: { url: `${urls.agents}${bundlePath(sha256)}`, sha256, entry },
    });
    io.stdout.write(script);
    return EXIT.ok;
  });
}
