/** The world's cluster, and the pool's settings in it, which every pool of the world has. */
export const CLUSTER = {
  namespace: "runners",
  image: "registry.example/runner:2.336.0",
  nodeNames: ["node-1", "node-2", "node-3", "node-4", "node-5", "node-6"],
  /** Of each: ours has room for some 20 pods on it. */
  node: { cpu: "20", memory: "80Gi", podCountMax: 110 },
  requests: { cpu: "1", memory: "2Gi" },
  /** The grace that a pod has where somebody else deletes it. */
  longestJobSeconds: 6 * 3_600,
} as const;
