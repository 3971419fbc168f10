/**
 * The agent's entry. Exit code 0: all is over, and the launcher ends as well. Any other: the launcher starts it again, and
 * the new one takes over whatever runner is there. On an instance its unit starts it again after every end. In a pod the
 * container's first process is the launcher.
 */
import { join } from "node:path";
import type { ToldService } from "../domain/host/group-word.ts";
import { END_ASKED_VARIABLE } from "../domain/host/pod-settings.ts";
import { type Ground, processGround } from "./ground.ts";
import { Inbox } from "./inbox.ts";
import { drawIncarnation } from "./incarnation.ts";
import { instanceGround } from "./instance.ts";
import { InstanceMetadata } from "./instance-metadata.ts";
import { openJournal } from "./journal.ts";
import { takeLock } from "./lock.ts";
import { describeError, openLog } from "./log.ts";
import { Loop } from "./loop.ts";
import { makePlaces } from "./places.ts";
import { isPod, podGround, readPodSettings } from "./pod.ts";
import { readSettings } from "./settings.ts";
import { type Environment, onAskedToStop, readBootId, readEnvironment, system } from "./system.ts";
import { Talk } from "./talk.ts";

async function runAgent(): Promise<void> {
  const environment = readEnvironment();
  const ground = await findGround(environment, readBootId());
  const { settings, bootId } = ground;
  const places = makePlaces(settings, ground.runnerHost.isOtherUser);
  const log = openLog(join(places.directory, "agent.log"), system);
  if (!takeLock(places.directory)) throw new Error("another agent of this machine is alive");
  const journal = openJournal(places.directory, places.rootsDirectory);
  const { id: incarnation, isSameBoot } = drawIncarnation(places.volatileDirectory, bootId, system, log);
  log.write("agent starts", { incarnation, pid: process.pid, isSameBoot, journal: journal.reading.kind });
  const inbox = new Inbox();
  const askToStop = () => void inbox.put({ kind: "asked-to-stop" });
  onAskedToStop(askToStop);
  if (environment[END_ASKED_VARIABLE] !== undefined) askToStop();
  const talk = new Talk({ ...ground, incarnation, system, inbox, log });
  const loop = new Loop({ ground, places, journal, isSameBoot, inbox, talk, log, system });
  const over = new AbortController();
  const onNotice = () => void inbox.put({ kind: "wanted-back" });
  const onService = (service: ToldService) => void inbox.put({ kind: "service-told", service });
  const watching = [ground.watchNotice(log, onNotice, over.signal), ground.watchService(log, onService, over.signal)];
  const talking = [talk.report(), talk.poll(), ...watching];
  try {
    // Neither side of the conversation ends before it is stopped, but a bug in it must end the agent.
    await Promise.race([loop.run(), ...talking]);
  } catch (error) {
    log.write("the agent fails", { why: describeError(error) });
    throw error;
  } finally {
    talk.stop();
    over.abort();
  }
}

function findGround(environment: Environment, bootId: string): Promise<Ground> | Ground {
  if (isPod(environment)) return podGround(readPodSettings(environment), bootId);
  const settings = readSettings(environment);
  if (!("provider" in settings)) return processGround(settings, bootId);
  return instanceGround(settings, { metadata: new InstanceMetadata(environment, system), bootId, system });
}

runAgent().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`holdfast agent: ${describeError(error)}\n`);
    process.exit(1);
  },
);
