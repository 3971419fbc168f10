import { describe, expect, it } from "vitest";
import { parseRunnerId } from "../../../src/domain/ids.ts";
import {
  deleteUnknownRegistrations,
  listUnknownRegistrations,
  saveUnknownRegistration,
} from "../../../src/store/registrations/unknown.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { connection, NOW_MS } from "../samples.ts";

export function describeUnknownRegistrations(open: OpenStore): void {
  describe("registrations that nobody knows", () => {
    const store = useStore(open);

    it("are kept by place", async () => {
      const acme = { connection, scope: "acme" };
      const other = { connection, scope: "acme/site" };
      const times = { offlineSinceMs: NOW_MS, lastReadMs: NOW_MS + 1 };
      const one = { runnerId: parseRunnerId(1), runnerName: "hf-ci-1", ...times };
      const two = { runnerId: parseRunnerId(2), runnerName: "hf-ci-2", ...times };
      await saveUnknownRegistration(store().db, acme, two);
      await saveUnknownRegistration(store().db, acme, one);
      await saveUnknownRegistration(store().db, other, one);
      expect(await listUnknownRegistrations(store().db, acme)).toEqual([one, two]);
      await deleteUnknownRegistrations(store().db, acme);
      expect(await listUnknownRegistrations(store().db, acme)).toEqual([]);
      expect(await listUnknownRegistrations(store().db, other)).toEqual([one]);
    });
  });
}
