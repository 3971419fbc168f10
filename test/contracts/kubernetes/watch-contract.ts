import { describe, expect, it } from "vitest";
import type { GetStage } from "./contract.ts";
import { refusalOf, type Stage, type WatchedEvent } from "./stage.ts";

const TOLD = (events: readonly WatchedEvent[]) => events.map(({ type, name }) => `${type} ${name}`);

async function listedVersion({ core, namespace }: Stage): Promise<string> {
  const { metadata } = await core.listNamespacedPod({ namespace });
  return String(metadata?.resourceVersion);
}

const BOOKMARK_TRIES_MAX = 4;

export function describeWatching(getStage: GetStage): void {
  describe("watching", () => {
    it("tells from a listing on what was added, changed and deleted, each with its own resourceVersion", async () => {
      const stage = getStage();
      await stage.make("before");
      const resourceVersion = await listedVersion(stage);
      await stage.make("a");
      await stage.writeStatus("a", { phase: "Running" });
      await stage.delete("a");
      const events = await stage.watch({ resourceVersion }, ({ length }) => length === 4);
      // It is marked for deletion before it is gone, however short that is.
      expect(TOLD(events)).toEqual(["ADDED a", "MODIFIED a", "MODIFIED a", "DELETED a"]);
      const versions = events.map(({ object }) => Number(object.metadata?.resourceVersion));
      expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
    });

    it("tells what happens while it is open", async () => {
      const stage = getStage();
      const resourceVersion = await listedVersion(stage);
      const watching = stage.watch({ resourceVersion }, ({ length }) => length === 2);
      await stage.make("a");
      await stage.make("b");
      expect(TOLD(await watching)).toEqual(["ADDED a", "ADDED b"]);
    });

    it("calls deleted what leaves its selection, and added what comes into it", async () => {
      const stage = getStage();
      await stage.make("a", {}, { pool: "linux" });
      const resourceVersion = await listedVersion(stage);
      await stage.patch("a", { metadata: { labels: { pool: "mac" } } });
      await stage.patch("a", { metadata: { labels: { pool: "linux" } } });
      const query = { resourceVersion, labelSelector: "pool=linux" };
      const events = await stage.watch(query, ({ length }) => length === 2);
      expect(TOLD(events)).toEqual(["DELETED a", "ADDED a"]);
    });

    it("marks with a bookmark how far it has come beyond what it told, and ends after the time that it was given", async () => {
      const stage = getStage();
      const resourceVersion = await listedVersion(stage);
      const query = { resourceVersion, allowWatchBookmarks: true, timeoutSeconds: 5, labelSelector: "pool=linux" };
      const watchOnce = async (name: string) => {
        const watching = stage.watch(query, () => false);
        const { metadata } = await stage.make(name);
        return { metadata, events: await watching };
      };
      // A real server promises none at a certain time, and may send none while it is busy.
      let { metadata, events } = await watchOnce("of-another-pool");
      for (let attempt = 1; attempt < BOOKMARK_TRIES_MAX && events.length === 0; attempt += 1)
        ({ metadata, events } = await watchOnce(`of-another-pool-${attempt}`));
      expect(new Set(events.map(({ type }) => type))).toEqual(new Set(["BOOKMARK"]));
      const version = Number(events.at(-1)?.object.metadata?.resourceVersion);
      expect(version).toBeGreaterThanOrEqual(Number(metadata?.resourceVersion));
    });

    it("says 410 to who goes on from what is forgotten", async () => {
      const stage = getStage();
      const resourceVersion = await listedVersion(stage);
      for (const name of ["a", "b"]) await stage.make(name);
      await stage.cluster.forgetHistory();
      const [event] = await stage.watch({ resourceVersion }, ({ length }) => length === 1, "resourcequotas");
      expect(event).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
    });

    it("refuses a resourceVersion that is none", async () => {
      const { core, namespace } = getStage();
      const refusal = await refusalOf(core.listNamespacedPod({ namespace, resourceVersion: "abc" }));
      expect(refusal.message).toContain('Invalid value: "abc"');
    });
  });
}
