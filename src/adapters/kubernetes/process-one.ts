/**
 * The main process of the runner's container: a few lines for the shell of the image, whichever that is (dash, bash, ash).
 *
 * - It starts the agent, and again whenever it ends otherwise than by saying that all is over (exit code 0); then it ends.
 * - It hands the end that the kubelet asks for (SIGTERM) to the agent, once, and to nothing else. An agent that it starts
 *   after that learns of it through its environment: a signal could come before it listens.
 * - Its own `wait` reaps whatever is left to it: as the first process of a container it is every orphan's parent, and Node
 *   would reap only its own children.
 * - It repeats the agent's log on the container's output through a process of its own: the agent must not depend on whoever
 *   reads that.
 *
 * It never signals a runner: that is in a session of its own, and lives on whatever becomes of the agent.
 *
 * In a pod's spec `$(NAME)` and `$$` have a meaning, so neither is in here.
 */
import { END_ASKED_VARIABLE, POD_HOME, POD_VARIABLES } from "../../domain/host/pod-settings.ts";

/** After 1 second, then twice as long each time up to this. */
const PAUSE_MAX_SECONDS = 30;
/** An agent that ran for so long was well: the next pause is the shortest again. */
const WELL_AFTER_SECONDS = 60;
/** For the last lines to be repeated before the container ends. */
const LAST_LINES_SECONDS = 1;

/** The arguments of `/bin/sh -c`. */
export const PROCESS_ONE = processOne(POD_HOME);

/** @param home a folder that the container's user may write to. */
export function processOne(home: string): string {
  return `home='${home}'
log="$home/state/agent.log"
node="$${POD_VARIABLES.runnerDirectory}/externals/node24/bin/node"
agent= told= asked= interrupted= pause=
pause_seconds=1

tell_agent() {
  if [ -n "$agent" ] && [ "$told" != "$agent" ]; then
    told=$agent
    kill -TERM "$agent" 2>/dev/null
  fi
}

ask() {
  asked=yes
  interrupted=yes
  tell_agent
  if [ -n "$pause" ]; then kill "$pause" 2>/dev/null; fi
}

# A signal ends a wait before what it waits for has ended.
wait_for_agent() {
  interrupted=
  wait "$agent"
  code=$?
  while [ -n "$interrupted" ] && kill -0 "$agent" 2>/dev/null; do
    interrupted=
    wait "$agent"
    code=$?
  done
}

trap ask TERM INT QUIT
(umask 077 && mkdir -p "$home/state" && : >>"$log")
tail -n +1 -F "$log" 2>/dev/null &
follower=$!

while :; do
  output=/dev/null
  if (: >>"$log") 2>/dev/null; then output=$log; fi
  asked_before=$asked
  if [ -n "$asked" ]; then export ${END_ASKED_VARIABLE}=yes; fi
  started_at=$(date +%s)
  "$node" --disable-warning=ExperimentalWarning "$home/agent/$${POD_VARIABLES.bundleEntry}" >>"$output" 2>&1 &
  agent=$!
  if [ "$asked" != "$asked_before" ]; then tell_agent; fi
  wait_for_agent
  agent=
  if [ "$code" -eq 0 ]; then break; fi
  ended_at=$(date +%s)
  if [ $((ended_at - started_at)) -ge ${WELL_AFTER_SECONDS} ]; then pause_seconds=1; fi
  echo "holdfast: the agent ended with $code, starting it again in $pause_seconds s" 2>/dev/null >>"$output"
  sleep "$pause_seconds" &
  pause=$!
  if [ "$asked" != "$asked_before" ]; then kill "$pause"; fi
  wait "$pause"
  pause=
  pause_seconds=$((pause_seconds * 2))
  if [ "$pause_seconds" -gt ${PAUSE_MAX_SECONDS} ]; then pause_seconds=${PAUSE_MAX_SECONDS}; fi
done

sleep ${LAST_LINES_SECONDS}
kill "$follower" 2>/dev/null
exit 0
`;
}
