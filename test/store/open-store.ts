import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { openStore, type Store } from "../../src/store/store.ts";

/** Opens an empty store; what it needs is cleared away after the test. */
export type OpenStore = () => Promise<Store>;

/** A store for each test of the describe block it is called in. */
export function useStore(open: OpenStore): () => Store {
  let store: Store | null = null;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(async () => {
    await store?.close();
    store = null;
  });
  return () => {
    if (store === null) throw new Error("the store is open in tests only");
    return store;
  };
}

/** A folder for each test of the describe block it is called in. */
export function useFolder(): () => string {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return () => folder;
}

export function openMemory(): Promise<Store> {
  return openStore("sqlite::memory:");
}
