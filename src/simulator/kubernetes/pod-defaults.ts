/** What the API server adds to a pod that does not say it. */
import { type Given, isGiven, listAt, textAt } from "./objects-given.ts";

const TOLERATION_SECONDS = 300;
const TOLERATIONS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({
  key,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: TOLERATION_SECONDS,
}));

export function completePodSpec(spec: Given): Given {
  const account = textAt(spec, "serviceAccountName") || "default";
  const containers = (name: string) =>
    spec[name] === undefined
      ? {}
      : { [name]: listAt(spec, name).map((one) => (isGiven(one) ? completeContainer(one) : one)) };
  return {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
    ...spec,
    ...containers("initContainers"),
    ...containers("containers"),
    serviceAccountName: account,
    serviceAccount: account,
    tolerations: completeTolerations(listAt(spec, "tolerations")),
  };
}

function completeContainer(container: Given): Given {
  const image = textAt(container, "image") ?? "";
  const isMoving = !image.includes("@") && (!/:[^/]+$/.test(image) || image.endsWith(":latest"));
  return {
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: isMoving ? "Always" : "IfNotPresent",
    ...container,
  };
}

/** Every pod stays for five minutes on a node that is not ready, unless it says otherwise. */
function completeTolerations(given: readonly unknown[]): readonly unknown[] {
  const isSaid = (key: string) =>
    given.some((one) => {
      if (!isGiven(one)) return false;
      const isForAll = one.key === undefined || one.key === "";
      return (isForAll || one.key === key) && (one.effect === undefined || one.effect === "NoExecute");
    });
  return [...given, ...TOLERATIONS.filter(({ key }) => !isSaid(key))];
}
