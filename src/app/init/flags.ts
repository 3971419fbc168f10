/** `holdfast init` on the command line: a flag for every question, so that it can run without anybody to ask. */
import { type Command, Option } from "commander";
import { createFetch } from "../../adapters/network/fetch.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { systemRandom } from "../../adapters/system/random.ts";
import { CONFIG_DEFAULT } from "../client.ts";
import type { InitCommand } from "../commands/init.ts";
import { openIo } from "../reading.ts";

const AFTER_HELP = `
On a terminal it asks for what no flag says. Without anybody to ask:
  holdfast init --yes --organization acme --webhooks-url https://holdfast.acme.com --create-app
  holdfast init --yes --repositories acme/widgets --demand poll --token-file ./github-token`;

export function addInit(program: Command, stopSignal: () => AbortSignal, done: (exitCode: number) => void): void {
  const command = program
    .command("init")
    .description("a configuration, its secrets, and a GitHub App or what one needs; with questions or by flags")
    .option("-c, --config <file>", "where the configuration goes; secrets go beside it", CONFIG_DEFAULT)
    .option("--force", "replace files that are there")
    .option("-y, --yes", "ask nothing: what no flag says is as usual")
    .option("--json", "for programs; asks nothing");
  addGitHubFlags(command);
  addPlaceFlags(command);
  command.addHelpText("after", AFTER_HELP).action(async (options: InitCommand & { readonly yes?: boolean }) => {
    const { runInit } = await import("../commands/init.ts");
    done(await runInit(options, openIo(), await openMeans(options, stopSignal())));
  });
}

function addGitHubFlags(command: Command): void {
  command
    .option("--github-url <address>", "of GitHub: github.com, a GitHub Enterprise Server, SUBDOMAIN.ghe.com")
    .option("--ca-file <file>", "a private certificate authority's certificates (PEM), to reach GitHub")
    .option("--organization <name>", "run the jobs of this organization")
    .option("--repositories <list>", "run the jobs of these: owner/name or owner/*, separated by commas")
    .option("--enterprise <name>", "run the jobs of this enterprise")
    .option("--create-app", "register a new GitHub App, in the browser")
    .option("--personal", "with --create-app: the repositories' owner is a person, not an organization")
    .option("--app-id <number>", "sign in as this GitHub App")
    .option("--private-key-file <file>", "the App's private key")
    .option("--token-file <file>", "sign in with the personal access token in this file")
    .addOption(new Option("--demand <way>", "how jobs are heard of").choices(["webhooks", "poll"]))
    .option("--webhooks-url <address>", "under which GitHub reaches this computer");
}

function addPlaceFlags(command: Command): void {
  command
    .option("--listen <address>", "host:port to listen on")
    .option("--controller-id <name>", "what this Holdfast is called; it never changes")
    .option("--operator <name>", "whose token is made, to look in and to command")
    .option("--labels <list>", "what the runners offer, separated by commas")
    .option("--max <count>", "machines at once")
    .option("--runner-directory <folder>", "where GitHub's runner is")
    .option("--work-directory <folder>", "where each machine gets a folder of its own");
}

async function openMeans(options: { readonly yes?: boolean; readonly json?: boolean | undefined }, stop: AbortSignal) {
  const { openPrompts } = await import("./prompts.ts");
  const { openBrowser } = await import("./open-browser.ts");
  const { platform, arch: architecture, stdin, stdout } = process;
  const isAsking = stdin.isTTY === true && stdout.isTTY === true && options.yes !== true && options.json !== true;
  const { environment } = openIo();
  return {
    prompts: isAsking ? openPrompts(stop) : null,
    createFetch: (caPem: string | null) => createFetch({ caPem, proxy: null, environment }),
    clock: systemClock(),
    random: systemRandom(),
    computer: { platform, architecture },
    openBrowser: (address: string) => openBrowser(address, platform),
    stop,
  };
}
