/** From 100 queued jobs and no machine to 100 tickets on 100 machines: what it costs at GitHub and at EC2, and how long it takes. */
import type { Bench, BenchOptions } from "./bench.ts";
import { callFigures, type Timed, timeFigures, totalOf } from "./fleet/figures.ts";
import { openFleet } from "./fleet/fleet.ts";
import { type Calls, since } from "./fleet/slow-way.ts";

const JOBS = 100;
/** terraform-aws-github-runner 7.11.0, its own scale-up for 100 jobs in one call, 50 ms for each answer. */
const PEER = { github: 202, ec2: 102, ssm: 103, seconds: 111 };

export const launch: Bench = {
  name: "launch",
  work: `${JOBS} queued jobs and no machine; each call to GitHub and to EC2 is answered after 50 ms, a machine boots in 200 ms`,
  run: async (options) => {
    const rounds: Round[] = [];
    for (let count = 1; count <= options.rounds; count += 1) rounds.push(await measure(options, count));
    const github = rounds.map((round) => round.github);
    const ec2 = rounds.map((round) => round.ec2);
    return {
      figures: [
        ...callFigures("GitHub", github, PEER.github),
        ...callFigures("EC2", ec2, PEER.ec2),
        {
          what: "EC2 calls before, of the pool's first machine",
          ours: totalOf(rounds.map(({ ec2Before }) => ec2Before)),
        },
        { what: "SSM calls", ours: 0, peer: PEER.ssm },
        ...timeFigures("until all tickets were on their machines", rounds, PEER.seconds),
      ],
      aims: [
        { what: "EC2 calls", most: 4, measured: totalOf(ec2) },
        { what: "GitHub calls for each ticket", most: 1, measured: totalOf(github) / JOBS },
      ],
    };
  },
};

interface Round extends Timed {
  readonly github: Calls;
  readonly ec2: Calls;
  /** Until the pool's first machine, of a job before these, was gone. */
  readonly ec2Before: Calls;
}

async function measure({ note }: BenchOptions, count: number): Promise<Round> {
  const fleet = await openFleet({});
  try {
    const first = fleet.calls();
    await fleet.runOneJob();
    await fleet.untilAnswered();
    const before = fleet.calls();
    const cpuBefore = await fleet.cpuSeconds();
    const startedAtMs = performance.now();
    for (let job = 1; job <= JOBS; job += 1) fleet.house.queue(["true"], `job ${job}`);
    await fleet.until(() => fleet.ticketsAtMs.length === JOBS, "not every machine has a ticket");
    await fleet.untilAnswered();
    const after = fleet.calls();
    const cpuSeconds = (await fleet.cpuSeconds()) - cpuBefore;
    const seconds = (Math.max(...fleet.ticketsAtMs) - startedAtMs) / 1_000;
    note(`round ${count}: ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU`);
    return {
      github: since(before.github, after.github),
      ec2: since(before.ec2, after.ec2),
      ec2Before: since(first.ec2, before.ec2),
      seconds,
      cpuSeconds,
    };
  } finally {
    await fleet.close();
  }
}
