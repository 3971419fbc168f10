/** The metadata service of one instance of a group over loopback, as far as its agent asks. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const TARGET_PATH = "/latest/meta-data/autoscaling/target-lifecycle-state";

const STAND_IN_INSTANCE = "i-0123456789abcdef0";
export const STAND_IN_DOCUMENT = "signed";
const FIXED: Readonly<Record<string, string>> = {
  "/latest/meta-data/instance-id": STAND_IN_INSTANCE,
  "/latest/dynamic/instance-identity/rsa2048": STAND_IN_DOCUMENT,
};

export interface MetadataStandIn {
  readonly url: string;
  /** Null: the group never said anything. */
  target: string | null;
  isAway: boolean;
  readingCount: number;
  /** Called when a reading is about to be answered. */
  onReading: () => void;
  close(): void;
}

export async function startMetadataStandIn(): Promise<MetadataStandIn> {
  const server = createServer((request, response) => {
    if (stand.isAway) return void response.writeHead(503).end();
    if (request.method === "PUT") return void response.end("token");
    const fixed = FIXED[request.url ?? ""];
    if (fixed !== undefined) return void response.end(fixed);
    if (request.url !== TARGET_PATH) return void response.writeHead(404).end();
    stand.readingCount += 1;
    stand.onReading();
    if (stand.target === null) response.writeHead(404).end();
    else response.end(stand.target);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stand: MetadataStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: null,
    isAway: false,
    readingCount: 0,
    onReading: () => {},
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return stand;
}
