/**
 * The adapter for Auto Scaling groups over a simulated one: its own code, with calls of the models where the official clients'
 * are. Loaded only for worlds of groups.
 */
import type { AsgClients } from "../../adapters/asg/clients.ts";
import { createAsgProvider } from "../../adapters/asg/provider.ts";
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import type { AwsValue } from "../../simulator/aws/answer.ts";
import type { CallGroup, GroupAsker, GroupService, MakeGroupPort } from "../../simulator/provider/group-port.ts";
import { readDate } from "../../simulator/server/clock.ts";

/** What `check` measures hooks by; nothing else does. */
const LONGEST_JOB_SECONDS = (6 * HOUR_MS) / SECOND_MS;

export const makeGroupPort: MakeGroupPort = (asker) => {
  const { controllerId, pool, group, region, scaling, machineCountMax, clock } = asker;
  const settings = {
    region,
    group,
    scaling,
    endpoint: null,
    autoScalingEndpoint: null,
    longestJobSeconds: LONGEST_JOB_SECONDS,
  };
  return createAsgProvider(
    { controllerId, pool, settings, clock, machineCountMax, isObserving: false },
    clientsOver(asker),
  );
};

function clientsOver({ call, aheadMs }: Pick<GroupAsker, "call" | "aheadMs">): AsgClients {
  const [ec2, groups] = [senderOver(call, "ec2"), senderOver(call, "autoscaling")];
  // The official clients have a type for each command; the model takes any by its name.
  const clients = { ec2: { read: ec2, write: ec2 }, groups: { read: groups, write: groups }, aheadMs };
  return clients as unknown as AsgClients;
}

interface Command {
  readonly input: object;
}

const COMMAND = /Command$/;

function senderOver(call: CallGroup, service: GroupService) {
  return {
    send: async (command: Command): Promise<unknown> => {
      const action = command.constructor.name.replace(COMMAND, "");
      const result = await call(service, action, command.input);
      if (result.kind === "answered") return revive(result.answer);
      // As the official clients throw it: by the code, with the service's own words.
      throw Object.assign(new Error(result.message), { name: result.code });
    },
  };
}

/** Members that the official clients read as dates. */
const TIMES: ReadonlySet<string> = new Set(["LaunchTime", "CreatedTime", "StartTime", "EndTime", "CreateTime"]);

function revive(value: AwsValue, name = ""): unknown {
  if (typeof value === "string") return TIMES.has(name) ? readDate(value) : value;
  if (typeof value !== "object") return value;
  if (isList(value)) return value.map((one) => revive(one, name));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revive(one, key)]));
}

function isList(value: object): value is readonly AwsValue[] {
  return Array.isArray(value);
}
