/** The commands by which an operator acts: their words and options on the command line. None of them asks anything. */
import { type Command, Option } from "commander";
import type { CommandOptions, DeliveryCommand, MachineOrPoolCommand, PoolsCommand } from "./commands/command.ts";
import type { DeliveriesOptions } from "./commands/deliveries.ts";
import { asking, openIo, parseLimit } from "./reading.ts";

type Done = (exitCode: number) => void;

const MACHINE = "a machine id, a provider id, a runner's name, or the page address or id of a job that runs there";
const DELIVERY = "GitHub's id of the delivery";
const DELIVERY_EXAMPLE = "5a3d1f7e-8c2b-11f0-9d6c-4f1e2a3b4c5d";
const DELIVERY_STATES = ["pending", "applied", "ignored", "quarantined"];
const WHY = "why, for whoever meets it later";

export function addOperatorCommands(program: Command, done: Done): void {
  addMachineCommand(program, done, "drain", {
    does: "take a machine or a pool out without harm: no more tickets, and gone once its jobs are over",
    argument: "<machine|pool>",
    subject: `a pool's name; or ${MACHINE}`,
    example: 'holdfast drain linux --reason "image with the old kernel"',
  });
  addMachineCommand(program, done, "hold", {
    argument: "<machine>",
    does: "pin a machine: no ticket for it, and nothing ends it until it is released; a job on it goes on",
    subject: MACHINE,
    example: 'holdfast hold m-4fz8k2q1w9x0 --reason "disk fills up, looking"',
  });
  addMachineCommand(program, done, "release", {
    does: "end the hold of a machine, or the drain of a machine or a pool",
    argument: "<machine|pool>",
    subject: `a pool's name; or ${MACHINE}`,
    example: "holdfast release linux",
  });
  addPoolsCommand(program, done, "freeze", {
    does: "stop every ending in a pool, or in all of them; jobs and launches go on",
    example: 'holdfast freeze --reason "GitHub has an incident"',
  });
  addPoolsCommand(program, done, "thaw", {
    does: "let a pool, or all of them, end machines again",
    example: "holdfast thaw linux",
  });
  addMachineCommand(program, done, "terminate", {
    argument: "<machine>",
    does: "end a machine whatever runs on it: costs its job, and is recorded with it; takes --force and --reason",
    subject: MACHINE,
    example: 'holdfast terminate m-4fz8k2q1w9x0 --force --reason "job hangs, owner agrees"',
  });
  addMachineCommand(program, done, "rerun", {
    argument: "<job>",
    does: "let GitHub run a job again that its machine's end cost, or that failed, as a new attempt of its run",
    subject: "a job's page address or id; or the machine id, provider id or runner's name that one job ran on",
    example: 'holdfast rerun https://github.com/acme/widgets/actions/runs/1/job/3 --reason "spot took its machine"',
  });
}

/** What became of webhooks: a list, one of them, and what a person decides about one that could not be handled. */
export function addDeliveries(program: Command, done: Done): void {
  const deliveries = program
    .command("deliveries")
    .description("webhooks that could not be handled and wait for a person");
  asking(deliveries.command("list", { isDefault: true }).description("each with its problem, the newest first"))
    .addOption(new Option("--state <state>", "others than quarantined").choices(DELIVERY_STATES))
    .option("--limit <count>", "so many at most", parseLimit)
    .addHelpText("after", "\nExample: holdfast deliveries --state ignored --limit 20")
    .action(async (options: DeliveriesOptions) => {
      const { runDeliveries } = await import("./commands/deliveries.ts");
      done(await runDeliveries(options, openIo()));
    });
  asking(deliveries.command("show").description("one of them, as it came").argument("<id>", DELIVERY))
    .addHelpText("after", `\nExample: holdfast deliveries show ${DELIVERY_EXAMPLE}`)
    .action(async (id: string, options: DeliveriesOptions) => {
      const { runShowDelivery } = await import("./commands/deliveries.ts");
      done(await runShowDelivery(id, options, openIo()));
    });
  addDeliveryCommand(deliveries, done, "replay", "handle it once more, after what was wrong is mended");
  addDeliveryCommand(deliveries, done, "discard", "let nobody look at it again");
}

function addDeliveryCommand(deliveries: Command, done: Done, name: DeliveryCommand, does: string): void {
  asking(deliveries.command(name).description(does).argument("<id>", DELIVERY).option("--reason <text>", WHY))
    .option("--connection <name>", "whose, where several were told of one event")
    .addHelpText("after", `\nExample: holdfast deliveries ${name} ${DELIVERY_EXAMPLE}`)
    .action(async (id: string, options: CommandOptions & { readonly connection?: string }) => {
      const { runDeliveryCommand } = await import("./commands/command.ts");
      done(await runDeliveryCommand(name, id, options, openIo()));
    });
}

interface Wording {
  readonly does: string;
  readonly example: string;
}

function addMachineCommand(
  program: Command,
  done: Done,
  name: MachineOrPoolCommand,
  { does, argument, subject, example }: Wording & { readonly argument: string; readonly subject: string },
): void {
  const command = program.command(name).description(does).argument(argument, subject).option("--reason <text>", WHY);
  if (name === "terminate") command.option("--force", "although it may cost a job");
  asking(command)
    .addHelpText("after", `\nExample: ${example}`)
    .action(async (given: string, options: CommandOptions) => {
      const { runCommand } = await import("./commands/command.ts");
      done(await runCommand(name, given, options, openIo()));
    });
}

function addPoolsCommand(program: Command, done: Done, name: PoolsCommand, { does, example }: Wording): void {
  asking(
    program
      .command(name)
      .description(does)
      .argument("[pool]", "a pool's name; all pools without one")
      .option("--reason <text>", WHY),
  )
    .addHelpText("after", `\nExample: ${example}`)
    .action(async (pool: string | undefined, options: CommandOptions) => {
      const { runPoolsCommand } = await import("./commands/command.ts");
      done(await runPoolsCommand(name, pool ?? null, options, openIo()));
    });
}
