/**
 * What a pod does before its runner's container starts: it fetches the agent from the controller, checks its hash, and
 * unpacks it into the pod's own volume. It runs in the runner's image, on the Node that the runner brings: nothing else is
 * needed there but a shell and `tar`, which the runner needs itself.
 *
 * It may run again and does the same again. Where it fails it ends with 1 and says why on the container's output; the pod
 * then never starts its agent, and ends as a machine that never checked in.
 *
 * In a pod's spec `$(NAME)` and `$$` have a meaning, so neither is in here; nor is a `'` in what Node runs.
 */
import { POD_HOME, POD_VARIABLES } from "../../domain/host/pod-settings.ts";
import { SECOND_MS } from "../../domain/units.ts";

export interface FetchPatience {
  readonly triesMax: number;
  readonly firstPauseMs: number;
  readonly pauseMaxMs: number;
  /** For each try. */
  readonly timeoutMs: number;
}

/** Some five minutes, where nobody answers. */
const PATIENCE: FetchPatience = {
  triesMax: 8,
  firstPauseMs: SECOND_MS,
  pauseMaxMs: 16 * SECOND_MS,
  timeoutMs: 30 * SECOND_MS,
};

/** Far more than there is. */
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;

/** The arguments of `/bin/sh -c`. */
export const FETCH_BUNDLE = fetchBundle(POD_HOME);

/** @param home a folder that the container's user may write to. */
export function fetchBundle(home: string, patience: FetchPatience = PATIENCE): string {
  return `set -eu
home='${home}'
runner="$${POD_VARIABLES.runnerDirectory}"
node="$runner/externals/node24/bin/node"
if ! test -x "$node"; then echo "holdfast: the image has no Node of a runner at $node" >&2; exit 1; fi
if ! test -x "$runner/bin/Runner.Listener"; then echo "holdfast: the image has no runner in $runner" >&2; exit 1; fi
"$node" -e '${fetchProgram(patience)}' "$home/agent.tar.gz" "$${POD_VARIABLES.bundleUrl}" "$${POD_VARIABLES.bundleSha256}"
rm -rf "$home/agent"
mkdir -p "$home/agent"
tar -x -z -o -f "$home/agent.tar.gz" -C "$home/agent"
rm "$home/agent.tar.gz"
test -f "$home/agent/$${POD_VARIABLES.bundleEntry}"
echo "holdfast: the agent is there"
`;
}

/** For Node, with three arguments: writes to that file what is at that URL, once it has that hash. */
function fetchProgram({ triesMax, firstPauseMs, pauseMaxMs, timeoutMs }: FetchPatience): string {
  return `
const { createHash } = require("node:crypto");
const { writeFileSync } = require("node:fs");
const [, file, url, wanted] = process.argv;
const pause = (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs));
async function read() {
  const response = await fetch(url, { signal: AbortSignal.timeout(${timeoutMs}) });
  if (!response.ok) throw new Error("it answered " + response.status);
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > ${BUNDLE_BYTES_MAX}) throw new Error("it is longer than any agent");
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== wanted) throw new Error("its hash is " + found + ", not " + wanted);
  return bytes;
}
async function run() {
  for (let tryCount = 1; ; tryCount += 1) {
    try {
      return writeFileSync(file, await read());
    } catch (error) {
      const why = [error.message, error.cause && (error.cause.code || error.cause.message)].filter(Boolean).join(": ");
      console.error("holdfast: fetching the agent from " + url + ", try " + tryCount + " of ${triesMax}: " + why);
      if (tryCount >= ${triesMax}) process.exit(1);
      await pause(Math.min(${firstPauseMs} * 2 ** (tryCount - 1), ${pauseMaxMs}));
    }
  }
}
run();
`;
}
