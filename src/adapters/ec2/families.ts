/**
 * Which instance types share a quota. EC2 counts vCPUs by group of families, on-demand and spot each for itself ("EC2
 * instance quotas" in the user guide): A, C, D, H, I, M, R, T and Z are one group, the others have their own.
 */
const GROUPS: readonly (readonly [RegExp, string])[] = [
  [/^dl/, "DL"],
  [/^trn/, "Trn"],
  [/^inf/, "Inf"],
  [/^hpc/, "HPC"],
  [/^(?:g\d|gr\d|vt)/, "G and VT"],
  [/^p\d/, "P"],
  [/^f\d/, "F"],
  [/^x\d/, "X"],
  [/^u\d*-|^u\d/, "High Memory"],
  [/^mac/, "Mac"],
  [/^[acdhimrtz]/, "Standard"],
];

/** @example familyOf("c7i.large") // "Standard" */
export function familyOf(instanceType: string): string {
  const family = instanceType.split(".")[0] ?? instanceType;
  return GROUPS.find(([pattern]) => pattern.test(family))?.[1] ?? family;
}
