/**
 * The agent's systemd unit, on every instance: what EC2's boot script writes, what the installer writes, and what is in
 * `deploy/systemd` are this text. Units stop in the opposite order of their start: while the agent waits for its job, whatever
 * it is ordered after goes on.
 */
import { AGENT_SETTINGS_VARIABLE, AGENT_UNIT } from "../host/settings.ts";

/** What the agent is installed in. Each version of it has a folder of its own, and `agent` leads to the present one. */
export const AGENT_HOME = "/opt/holdfast";
/** In the agent's folder: leads to the file that is run. */
export const AGENT_START = "start";
/** On tmpfs: it must not outlive the boot. */
export const AGENT_VOLATILE = "/run/holdfast";

export const AGENT_UNIT_PATH = `/etc/systemd/system/${AGENT_UNIT}`;

export const AGENT_UNIT_TEXT = `# Holdfast's agent, on a machine that runs jobs. No end of the agent, of whatever kind, ends a runner: there is no signal
# that drains one, and the one that a service script sends cancels its job.

[Unit]
Description=Holdfast's agent
Wants=network-online.target
# At a shutdown these stop after it, and so after the job: containers, the network, and the lookup of names.
After=network-online.target network.target nss-lookup.target remote-fs.target
After=docker.service docker.socket containerd.service podman.socket
# It is started again for as long as it takes.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${AGENT_HOME}/bin/node --disable-warning=ExperimentalWarning ${AGENT_HOME}/agent/${AGENT_START}
Environment=${AGENT_SETTINGS_VARIABLE}=${AGENT_HOME}/settings.json
# A stop tells this one process, and waits for as long as its job takes. Runners are in scopes of their own.
KillMode=process
KillSignal=SIGTERM
TimeoutStopSec=infinity
Restart=always
RestartSec=1
# For want of memory a job's step is ended, and neither this nor all of a unit for one process of it.
OOMPolicy=continue
OOMScoreAdjust=-900
ManagedOOMPreference=omit
StandardOutput=journal
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;
