/** Writes a file so that after a crash it is there whole or not at all. */
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

const PRIVATE_FILE = 0o600;

let writeCount = 0;

/** The file is there with this text, durably, or not at all. Two writers at once leave one of their texts. */
export async function writeWhole(path: string, text: string): Promise<void> {
  writeCount += 1;
  const draft = `${path}.${process.pid}-${writeCount}`;
  const file = await open(draft, "w", PRIVATE_FILE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
