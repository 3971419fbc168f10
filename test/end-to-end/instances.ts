/**
 * Instances of a simulated EC2 as processes of this machine: each fetches its user data from its own metadata, runs it, and
 * has what the script starts. Without root, a boot script cannot write where it wants to; so each instance has a folder of
 * its own that stands for its root, and programs in it that stand for those of systemd: `systemctl` runs the unit's
 * ExecStart again and again, `systemd-run` becomes what it was told to run. Each one's runners are a user's of its own
 * where this machine lets us become one, and ours elsewhere. All else is the real thing.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { type SimulatedEc2, startSimulatedEc2 } from "../../src/simulator/server/ec2/simulated-ec2.ts";

export interface Instances {
  readonly ec2: SimulatedEc2;
  /** Keys of the pool and files beside its configuration that lead here. */
  readonly pool: { readonly runner: object; readonly provider: object };
  readonly files: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Those that run, or are about to. */
  running(): readonly string[];
  agentPids(instanceId: string): readonly number[];
  /** What its boot script and its agent printed, for a test that fails. */
  printed(): string;
  close(): Promise<void>;
}

const ACCESS_KEY_ID = "AKIASIMULATED";
/** Users of nobody else, one for each instance: what is left of a job is ended by whose it is. */
const FIRST_USER_ID = randomInt(0x7000_0000, 0x7fff_0000);
/** As another user, without a line in any user database and so without groups. */
const become = (userId: number) => ["setpriv", `--reuid=${userId}`, `--regid=${userId}`, "--clear-groups", "--"];
/** Also whether such a user may run this Node: a stand-in of the runner is a script of it. */
export const canBecomeOther =
  process.getuid?.() === 0 &&
  spawnSync("setpriv", [...become(FIRST_USER_ID).slice(1), process.execPath, "--version"]).status === 0;
export const RUNNER_USER = "runner";

/** Everything happens soon, because a test waits for it. */
const SOON = {
  pendingMs: [100, 300],
  shuttingDownMs: [100, 300],
  terminatedMs: [3_600_000, 3_600_000],
  statusChecksMs: [100, 100],
} as const;

export async function openInstances(): Promise<Instances> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-instances-"));
  chmodSync(directory, PASSABLE_MODE);
  const ec2 = await startSimulatedEc2({ accessKeyId: ACCESS_KEY_ID, seed: 1, ec2: { times: SOON } });
  const runnerDirectory = join(directory, "image");
  createRunnerFolder(runnerDirectory);
  mkdirSync(join(runnerDirectory, "externals", "node24", "bin"), { recursive: true });
  write(join(runnerDirectory, "externals", "node24", "bin", "node"), `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
  const computers = new Map<string, Promise<Computer>>();
  const stop = ec2.onInstanceChange(({ id, phase }) => {
    if (phase.kind === "running" && !computers.has(id)) computers.set(id, boot(ec2, directory, id));
    else if (phase.kind !== "running") void computers.get(id)?.then((computer) => computer.end());
  });
  const { region, subnets, securityGroups, images } = ec2.options;
  return {
    ec2,
    pool: {
      runner: { directory: runnerDirectory, user: RUNNER_USER },
      provider: {
        kind: "ec2",
        region,
        endpoint: ec2.endpoint,
        subnets: subnets.slice(0, 2).map(({ id }) => id),
        securityGroups: securityGroups.map(({ id }) => id),
        instanceTypes: ["c5.large", "m5.large"],
        image: images.find(({ architecture }) => architecture === "x86_64")?.id,
        identityCertificateFile: "./region.pem",
      },
    },
    files: { "region.pem": ec2.identity.rsaCertificate },
    environment: { AWS_ACCESS_KEY_ID: ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: "simulated" },
    running: () =>
      ec2.instances().flatMap(({ id, phase }) => (phase.kind === "pending" || phase.kind === "running" ? [id] : [])),
    agentPids: (instanceId) => pidsWith(`HOLDFAST_AGENT_SETTINGS=${rootOf(directory, instanceId)}/`),
    printed: () =>
      readdirSync(directory)
        .filter((name) => existsSync(join(directory, name, "console")))
        .map((name) => `${name}:\n${readFileSync(join(directory, name, "console"), "utf8")}`)
        .join("\n"),
    close: async () => {
      stop();
      for (const computer of computers.values()) (await computer).end();
      await ec2.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Computer {
  /** At once, with all that runs there. */
  end(): void;
}

function rootOf(directory: string, instanceId: string): string {
  return join(directory, instanceId);
}

async function boot(ec2: SimulatedEc2, directory: string, instanceId: string): Promise<Computer> {
  const root = rootOf(directory, instanceId);
  const { url } = await ec2.startMetadata(instanceId);
  const variables = `PATH=${join(root, "bin")}:${process.env.PATH} AWS_EC2_METADATA_SERVICE_ENDPOINT=${url}`;
  mkdirSync(join(root, "units"), { recursive: true });
  writePrograms(root, variables);
  const script = (await readUserData(url))
    .replaceAll("/opt/holdfast", join(root, "holdfast"))
    .replaceAll("/run/holdfast", join(root, "run"))
    .replaceAll("/etc/systemd/system", join(root, "units"))
    .replaceAll(" /etc/", ` ${join(root, "etc")}/`);
  // It is run as it is, by whoever runs the tests.
  if (script.replaceAll(`${join(root, "etc")}/`, "").includes("/etc/"))
    throw new Error("it writes to the system's own folder");
  write(join(root, "user-data"), script);
  const log = openSync(join(root, "console"), "a");
  const env = { PATH: `${join(root, "bin")}:${process.env.PATH}`, INSTANCE: root };
  const booting = spawn(join(root, "user-data"), [], { detached: true, stdio: ["ignore", log, log], env });
  booting.on("error", () => {});
  return {
    end: () => {
      // The script and what it started, the agent, and what the agent started: each carries one of these.
      for (let round = 0; round < ROUNDS; round += 1)
        for (const pid of [
          ...pidsWith(`INSTANCE=${root}`),
          ...pidsWith(`HOLDFAST_AGENT_SETTINGS=${root}/`),
          ...markedPids(root),
        ])
          killQuietly(pid);
    },
  };
}

/** For runners that are another user's, on the way to their own folders. */
const PASSABLE_MODE = 0o711;

/** What dies may have started something in the moment before. */
const ROUNDS = 5;

/** As cloud-init does it. */
async function readUserData(url: string): Promise<string> {
  const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
  const token = await (await fetch(`${url}/latest/api/token`, { method: "PUT", headers: ttl })).text();
  const headers = { "x-aws-ec2-metadata-token": token };
  return (await fetch(`${url}/latest/user-data`, { headers })).text();
}

let userCount = 0;

function writePrograms(root: string, variables: string): void {
  mkdirSync(join(root, "bin"));
  const program = (name: string, text: string) => write(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
  const becomeWhatFollows = `while [ "$1" != "--" ]; do shift; done; shift; exec "$@"`;
  program("systemd-run", `[ "$1" = "--version" ] && { echo "systemd 252 (stand-in)"; exit 0; }\n${becomeWhatFollows}`);
  program("choom", becomeWhatFollows);
  const userId = canBecomeOther ? FIRST_USER_ID + userCount : (process.getuid?.() ?? 0);
  userCount += 1;
  program("getent", `echo "${RUNNER_USER}:x:${userId}:${userId}::${root}:/bin/sh"`);
  const [, ...identity] = become(userId);
  const setpriv = spawnSync("which", ["setpriv"], { encoding: "utf8" }).stdout.trim();
  const becomeUser = becomeWhatFollows.replace("exec", `exec ${setpriv} ${identity.join(" ")}`);
  program("setpriv", canBecomeOther ? becomeUser : becomeWhatFollows);
  program(
    "supervise",
    `unit="$1"
while :; do
  env -i ${variables} "$(sed -n 's/^Environment=//p' "$unit")" $(sed -n 's/^ExecStart=//p' "$unit")
  sleep 1
done`,
  );
  const supervise = `setsid ${join(root, "bin", "supervise")} "${join(root, "units")}/$3" >> ${join(root, "console")} 2>&1 < /dev/null &`;
  program(
    "systemctl",
    `case "$1" in\nenable)\n  ${supervise}\n  ;;\npoweroff)\n  touch ${join(root, "powered-off")}\n  ;;\nesac`,
  );
}

/** Runners, and whatever they started: their perf file's folder is the instance's. */
function markedPids(root: string): readonly number[] {
  return pidsWith(`RUNNER_PERFLOG=${join(root, "run")}/`);
}

/** Processes with an entry in their environment that begins so. */
function pidsWith(prefix: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const entries = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
        return entries.some((entry) => entry.startsWith(prefix)) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

function write(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
