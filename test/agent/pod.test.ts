/** The agent's ground in a pod: who it is, what it proves it by, and what tells its boots apart. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isPod, podGround, readPodSettings } from "../../src/agent/pod.ts";
import { POD_VARIABLES, type PodSettings } from "../../src/domain/host/pod-settings.ts";
import { parseControllerId, parseMachineId, parsePoolName } from "../../src/domain/ids.ts";
import { podEnvironment } from "./pod-environment.ts";

const UID = "0d6f2c1a-7b9e-4c55-9f3d-2a1b3c4d5e6f";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-pod-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pool: PodSettings = {
  controllerUrl: "https://holdfast.example/",
  controllerId: parseControllerId("main"),
  machineId: parseMachineId("m-abcdefgh01"),
  pool: parsePoolName("linux"),
  runnerDirectory: "/home/runner",
  runnerEnvironment: { GREETING: "say $(HOLDFAST_POOL) and $$ and a $" },
  bundle: { url: "https://holdfast.example/agent/v1/bundle/abc.tar.gz", sha256: "abc", entry: "agent/main.ts" },
};

const environmentOf = (settings: PodSettings) =>
  podEnvironment(settings, { namespace: "ci-runners", podName: settings.machineId, podUid: UID });

const paths = () => ({
  home: join(folder, "home"),
  volatile: join(folder, "volatile"),
  tokenFile: join(folder, "token"),
});
const read = (changes: Record<string, string | undefined> = {}) =>
  readPodSettings({ ...environmentOf(pool), ...changes }, paths());

describe("the settings of a pod", () => {
  it("come through its environment as they were given, its own parts by the kubelet", () => {
    expect(read()).toEqual({
      controllerUrl: "https://holdfast.example",
      controllerId: "main",
      machineId: "m-abcdefgh01",
      providerId: `ci-runners:m-abcdefgh01:${UID}`,
      directory: join(folder, "home", "state"),
      volatileDirectory: join(folder, "volatile"),
      runnerDirectory: "/home/runner",
      runnerEnvironment: { GREETING: "say $(HOLDFAST_POOL) and $$ and a $" },
      podUid: UID,
      tokenFile: join(folder, "token"),
    });
  });

  it("are in the pod's own places unless told otherwise", () => {
    expect(readPodSettings(environmentOf(pool))).toMatchObject({
      directory: "/holdfast/state",
      volatileDirectory: "/dev/shm/holdfast",
      tokenFile: "/var/run/secrets/holdfast/token",
    });
  });

  it.each(Object.entries(POD_VARIABLES).filter(([key]) => !key.startsWith("bundle") && key !== "pool"))(
    "name %s where it is missing",
    (_key, name) => expect(() => read({ [name]: undefined })).toThrow(name),
  );

  it.each([
    [POD_VARIABLES.controllerUrl, "ftp://holdfast.example"],
    [POD_VARIABLES.runnerDirectory, "home/runner"],
    [POD_VARIABLES.controllerId, "Main"],
    [POD_VARIABLES.machineId, "../m-abcdefgh01"],
    [POD_VARIABLES.podUid, "1234"],
    [POD_VARIABLES.podNamespace, "a:b"],
    [POD_VARIABLES.runnerEnvironment, "{"],
    [POD_VARIABLES.runnerEnvironment, '{"A": 1}'],
  ])("are refused where %s is %j", (name, value) => {
    expect(() => read({ [name]: value })).toThrow(/HOLDFAST_|runnerEnvironment/);
  });

  it("are looked for in a pod only", () => {
    expect([isPod(environmentOf(pool)), isPod({ HOLDFAST_AGENT_SETTINGS: "settings.json" })]).toEqual([true, false]);
  });
});

describe("the ground in a pod", () => {
  it("proves itself by the token that is there now", async () => {
    const { readIdentity } = podGround(read(), "boot");
    await expect(readIdentity()).rejects.toThrow(/ENOENT/);
    writeFileSync(join(folder, "token"), "first\n");
    expect(await readIdentity()).toEqual({ kind: "kubernetes", token: "first" });
    writeFileSync(join(folder, "token"), "second");
    expect(await readIdentity()).toEqual({ kind: "kubernetes", token: "second" });
    writeFileSync(join(folder, "token"), "\n");
    await expect(readIdentity()).rejects.toThrow(/is empty/);
  });

  it("is another boot in each pod of a node, and on each boot of the node", () => {
    const boots = [
      podGround(read(), "boot-1").bootId,
      podGround(read(), "boot-2").bootId,
      podGround(read({ [POD_VARIABLES.podUid]: UID.replace("0d6f", "0d70") }), "boot-1").bootId,
    ];
    expect(new Set(boots).size).toBe(3);
    expect(podGround(read(), "boot-1").bootId).toBe(boots[0]);
  });

  it("gives runners the container's environment, without what is the agent's own", () => {
    const { inherits } = podGround(read(), "boot").runnerHost;
    expect(["DOCKER_HOST", "PATH", "KUBERNETES_SERVICE_HOST"].filter(inherits)).toHaveLength(3);
    expect(Object.values(POD_VARIABLES).filter(inherits)).toEqual([]);
  });

  it("runs runners as the container's user, hears of no notice, and ends by the agent's end", async () => {
    const { runnerHost, watchNotice, powerOff } = podGround(read(), "boot");
    expect([runnerHost.isOtherUser, runnerHost.findOwner()]).toEqual([false, null]);
    expect(powerOff).not.toThrow();
    const over = new AbortController();
    const watching = watchNotice({ path: "", write: () => {} }, () => expect.unreachable(), over.signal);
    over.abort();
    await watching;
  });
});
