/** The page of the reference that shows the roles which `holdfast check --rbac` prints, for a pool in namespace `runners`. */
import { stringify } from "yaml";
import { ACCESS_RULES } from "../src/adapters/kubernetes/access-rules.ts";
import { rolesFor } from "../src/adapters/kubernetes/role.ts";
import { parseControllerId } from "../src/domain/ids.ts";

const INTRODUCTION = `What Holdfast's account may do in a cluster, for \`controllerId: ci-eu\` and a pool in the namespace \`runners\`. Yours differs by what
your configuration names: print it with \`holdfast check --rbac\`. The account is \`holdfast\` in the namespace \`holdfast\`; change it
where the controller runs as another. \`holdfast check\` asks the cluster for each of them.`;

export function renderRbacPage(): string {
  const origin =
    "<!-- Written by `npm run reference` from src/adapters/kubernetes/access-rules.ts. Change it there. -->";
  const roles = rolesFor(parseControllerId("ci-eu"), ["runners"]).map((role) => stringify(role));
  const rows = ACCESS_RULES.map(({ verb, resource, scope, without }) => {
    const where = scope === "cluster" ? "in the cluster" : "in the namespace";
    return `| ${verb} \`${resource}\` ${where} | ${without} |`;
  });
  const table = `| what | without it |\n|---|---|\n${rows.join("\n")}`;
  return `${origin}\n\n# Permissions in a cluster\n\n${INTRODUCTION}\n\n${table}\n\n\`\`\`yaml\n${roles.join("---\n")}\`\`\`\n`;
}
