/** A runner's JIT configuration as its listener reads it: a JSON object of files, each in Base64. */

/** GitHub's number of the registration; null where it is not such a configuration. */
export function readRunnerId(jitConfig: string): number | null {
  try {
    const files = JSON.parse(atob(jitConfig)) as { readonly ".runner"?: string };
    const { AgentId } = JSON.parse(atob(files[".runner"] ?? "")) as { readonly AgentId?: number };
    return AgentId ?? null;
  } catch {
    return null;
  }
}
