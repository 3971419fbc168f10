/** What a pod's container gets of its variables, as the kubelet makes it: the downward API filled in, references resolved. */
import { type PodSettings, podVariables } from "../../src/domain/host/pod-settings.ts";
import type { PodPlace } from "../../src/domain/pod/provider-id.ts";

export function podEnvironment(settings: PodSettings, place: PodPlace): Record<string, string> {
  const fields: Record<string, string> = {
    "metadata.name": place.podName,
    "metadata.uid": place.podUid,
    "metadata.namespace": place.namespace,
  };
  const environment: Record<string, string> = {};
  for (const variable of podVariables(settings)) {
    const value = "value" in variable ? variable.value : (fields[variable.valueFrom.fieldRef.fieldPath] ?? "");
    environment[variable.name] = value.replaceAll(/\$\$|\$\((\w+)\)/g, (found, name) =>
      found === "$$" ? "$" : (environment[name] ?? found),
    );
  }
  return environment;
}
