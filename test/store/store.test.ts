import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "../../src/store/store.ts";
import { describeStore } from "./contract.ts";
import { openMemory } from "./open-store.ts";

describeStore("the store in memory", openMemory);
describeStore("the store in a file", openTemporaryFile);

async function openTemporaryFile(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  const store = await openStore(`sqlite:${join(folder, "holdfast.db")}`);
  const close = async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...store, close };
}
