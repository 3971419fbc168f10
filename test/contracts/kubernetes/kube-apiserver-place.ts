/** Where `npm run kube-apiserver` puts the API server that it builds, and where the contract suite looks for it. */
import { homedir } from "node:os";
import { join } from "node:path";

export const KUBERNETES_VERSION = "1.34.4";

/** In the user's cache, so that one machine builds it once. */
export const KUBE_APISERVER = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "holdfast",
  `kube-apiserver-${KUBERNETES_VERSION}`,
);
