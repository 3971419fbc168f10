/** Ends 100 machines that wait: what it costs at GitHub and at EC2, and how long it takes. */
import { type Bench, type BenchOptions, median, rounded } from "./bench.ts";
import { callFigures, secondsOf, type Timed, timeFigures, totalOf } from "./fleet/figures.ts";
import { openFleet, POOL } from "./fleet/fleet.ts";
import { type Calls, since } from "./fleet/slow-way.ts";

const MACHINES = 100;
/** terraform-aws-github-runner 7.11.0, its own scale-down over 100 idle runners, 50 ms for each answer. */
const PEER = { github: 203, ec2: 103, seconds: 99 };

export const retire: Bench = {
  name: "retire",
  work: `end ${MACHINES} idle machines; each call to GitHub and to EC2 is answered after 50 ms`,
  run: async (options) => {
    const rounds: Round[] = [];
    for (let count = 1; count <= options.rounds; count += 1) rounds.push(await measure(options, count));
    const github = rounds.map((round) => round.github);
    const ec2 = rounds.map((round) => round.ec2);
    return {
      figures: [
        ...callFigures("GitHub", github, PEER.github),
        ...callFigures("EC2", ec2, PEER.ec2),
        ...timeFigures("until EC2 was asked for all", rounds, PEER.seconds),
        { what: "EC2 calls until all were seen to be gone", ours: totalOf(rounds.map((round) => round.ec2ToTheEnd)) },
        {
          what: "until all were seen to be gone",
          ours: rounded(median(rounds.map((round) => round.secondsToTheEnd)), 2),
          unit: "s",
        },
      ],
      aims: [
        { what: "GitHub calls before the endings", most: 0, measured: totalOf(github) },
        { what: "EC2 calls", most: 2, measured: totalOf(ec2) },
        { what: "seconds", most: 2, measured: secondsOf(rounds) },
      ],
    };
  },
};

interface Round extends Timed {
  readonly github: Calls;
  readonly ec2: Calls;
  readonly ec2ToTheEnd: Calls;
  readonly secondsToTheEnd: number;
}

async function measure({ note }: BenchOptions, count: number): Promise<Round> {
  const fleet = await openFleet({ warm: { parked: MACHINES } });
  try {
    await fleet.untilMachines("parked", MACHINES);
    await fleet.untilAnswered();
    const before = fleet.calls();
    const cpuBefore = await fleet.cpuSeconds();
    const startedAtMs = performance.now();
    await fleet.command("drain", { subject: `pool:${POOL}` });
    await fleet.until(() => fleet.endedAtMs.length === MACHINES, "EC2 was not asked for all machines");
    await fleet.untilAnswered();
    const after = fleet.calls();
    const cpuSeconds = (await fleet.cpuSeconds()) - cpuBefore;
    const seconds = (Math.max(...fleet.endedAtMs) - startedAtMs) / 1_000;
    await fleet.untilMachines("any", 0);
    const secondsToTheEnd = (performance.now() - startedAtMs) / 1_000;
    note(`round ${count}: ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU`);
    return {
      github: since(before.github, after.github),
      ec2: since(before.ec2, after.ec2),
      seconds,
      cpuSeconds,
      ec2ToTheEnd: since(before.ec2, fleet.calls().ec2),
      secondsToTheEnd,
    };
  } finally {
    await fleet.close();
  }
}
