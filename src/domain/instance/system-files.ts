/**
 * What an instance's system is told so that nothing of it ends a job: upgrades, reboots, sessions. Each is a file of its own
 * beside the system's, taken back by deleting it; where a program is not installed, its file does nothing.
 */
import { AGENT_UNIT_PATH, AGENT_UNIT_TEXT } from "./agent-unit.ts";
import { writeFile } from "./shell-text.ts";

export interface SystemFile {
  /** On the instance. */
  readonly path: string;
  readonly text: string;
}

/** 15 letters: the most that the kernel keeps of a process's name. */
const LISTENER_NAME = "Runner.Listener";

/** An upgrade restarts what it upgrades, Docker too: it waits until no runner is there, and its timer asks again. */
const WHILE_NO_RUNNER = `# Not while a runner is there: what is upgraded is restarted, and Docker with every container.
[Service]
ExecCondition=/bin/sh -c 'pgrep -x ${LISTENER_NAME} > /dev/null; test $$? -eq 1'
`;

/** systemd gives up waiting for units after half an hour: `JobTimeoutSec` of the targets that every shutdown leads to. */
const NO_FORCED_END = `# A shutdown waits for the job, as the agent's unit does. The default is to force it after 30 minutes.
[Unit]
JobTimeoutSec=infinity
`;

const UPGRADES = ["apt-daily-upgrade", "dnf-automatic", "dnf-automatic-install"];
const SHUTDOWNS = ["poweroff", "reboot", "halt", "kexec"];

export const SYSTEM_FILES: readonly SystemFile[] = [
  { path: AGENT_UNIT_PATH, text: AGENT_UNIT_TEXT },
  ...UPGRADES.map((name) => dropIn(`${name}.service`, WHILE_NO_RUNNER)),
  ...SHUTDOWNS.map((name) => dropIn(`${name}.target`, NO_FORCED_END)),
  {
    path: "/etc/systemd/logind.conf.d/holdfast.conf",
    text: `# When somebody signs out who is also the runners' user, nothing of theirs is ended or taken from a job.
[Login]
KillUserProcesses=no
RemoveIPC=no
`,
  },
  {
    path: "/etc/needrestart/conf.d/holdfast.conf",
    text: `# Never restarted because a library was upgraded: jobs run in them.
$nrconf{override_rc}{qr(^holdfast-agent\\.service$)} = 0;
$nrconf{override_rc}{qr(^docker\\.service$)} = 0;
$nrconf{override_rc}{qr(^containerd\\.service$)} = 0;
`,
  },
  {
    path: "/etc/apt/apt.conf.d/99holdfast",
    text: `// A machine is replaced by a new image, never rebooted under a job. Upgrading these would end every container.
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Package-Blacklist { "docker"; "containerd"; "runc"; };
`,
  },
];

/** The shell's commands that write all of them. */
export function writeSystemFiles(): string {
  const folders = SYSTEM_FILES.map(({ path }) => path.slice(0, path.lastIndexOf("/")));
  const files = SYSTEM_FILES.map(({ path, text }) => writeFile(path, text));
  return `mkdir -p ${[...new Set(folders)].join(" ")}\n${files.join("")}`;
}

function dropIn(unit: string, text: string): SystemFile {
  return { path: `/etc/systemd/system/${unit}.d/holdfast.conf`, text };
}
