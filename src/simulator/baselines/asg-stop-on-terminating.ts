/**
 * Scale-in as infrahouse/puppet-code #265 publishes it, for runners in an Auto Scaling group: the group ends whom it likes. Some
 * 11 s after a member came to Terminating:Wait a command stops the runner's service there, whose end, of whatever kind,
 * completes the lifecycle action; until then a timer on the host heartbeats it every 10 minutes, whether or not a job or even
 * the service is alive.
 *
 * How it loses jobs: its stop reaches the listener as SIGINT, which cancels the running job, and 30 s later as SIGKILL; the
 * unit's stop timeout of six hours is never reached (terraform-aws-actions-runner #81, actions/runner #3308).
 */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import { Calls } from "./calls.ts";
import { Launcher } from "./launcher.ts";

/** From the event over the function and the remote command to the host, as the incident's trail shows it. */
const STOP_COMMAND_MS = 11 * SECOND_MS;
/** After SIGINT, the service's script kills its listener. */
const KILL_MS = 30 * SECOND_MS;
const HEARTBEAT_MS = 10 * MINUTE_MS;

export function makeAsgStopOnTerminating(world: FleetWorld): Fleet {
  const calls = new Calls(world);
  const { isPersistent } = world.scenario.fleet;
  const launcher = new Launcher(calls, { isPersistent, checksJob: isPersistent });
  world.provider.group?.onWaiting((providerId) => stopMember(calls, providerId));
  return {
    onJobEvent: ({ action, jobId, labels, repository }) => {
      if (action === "queued") launcher.order({ jobId, labels, repository, attemptCount: 0 });
    },
    stop: () => calls.stop(),
  };
}

function stopMember(calls: Calls, providerId: string): void {
  const { scheduler, provider, log } = calls.world;
  scheduler.after(HEARTBEAT_MS, () => beat(calls, providerId));
  scheduler.after(STOP_COMMAND_MS, () => {
    log.note("its service is told to stop", providerId);
    provider.hosts.get(providerId)?.askToStop();
    scheduler.after(KILL_MS, () => complete(calls, providerId));
  });
}

/** Once; a call that fails is not made again, and the timer goes on. */
function complete(calls: Calls, providerId: string): void {
  const { provider } = calls.world;
  const cause = calls.world.cause("its service has stopped");
  void calls.ask("provider", "complete", () => provider.group?.complete(providerId, cause));
}

function beat(calls: Calls, providerId: string): void {
  const { scheduler, provider } = calls.world;
  if (provider.group?.isWaiting(providerId) !== true) return;
  void calls.ask("provider", "heartbeat", () => provider.group?.heartbeat(providerId));
  scheduler.after(HEARTBEAT_MS, () => beat(calls, providerId));
}
