import { describe } from "vitest";
import {
  describeDeliveries,
  describeDeliveryLog,
  describeDeliveryLogLimits,
  describeQuarantine,
} from "./contract/deliveries.ts";
import { describeHearings, describeRowless } from "./contract/hearings.ts";
import { describeDecisions, describeEvidence, describeLogs } from "./contract/history.ts";
import { describeJobLists, describeJobSaves } from "./contract/jobs.ts";
import { describeLaunches } from "./contract/launches.ts";
import { describeInLease, describeLeases } from "./contract/leases.ts";
import { describeHeard, describeMachines, describeNews } from "./contract/machines.ts";
import { describeOutcomes } from "./contract/outcomes.ts";
import { describePoolRemains, describePoolSettings, describeSettingsInUse } from "./contract/pools.ts";
import { describeReruns } from "./contract/reruns.ts";
import { describeRetention } from "./contract/retention.ts";
import { describeRoundTrips } from "./contract/round-trips.ts";
import { describeTicketLists, describeTickets } from "./contract/tickets.ts";
import { describeUnknownRegistrations } from "./contract/unknown-registrations.ts";
import type { OpenStore } from "./open-store.ts";

/** What every dialect of the store keeps. */
export function describeStore(name: string, open: OpenStore): void {
  describe(name, () => {
    describeLeases(open);
    describeInLease(open);
    describeDeliveries(open);
    describeQuarantine(open);
    describeDeliveryLog(open);
    describeDeliveryLogLimits(open);
    describeJobSaves(open);
    describeJobLists(open);
    describeMachines(open);
    describeHeard(open);
    describeNews(open);
    describeHearings(open);
    describeRowless(open);
    describeOutcomes(open);
    describeTickets(open);
    describeTicketLists(open);
    describeLaunches(open);
    describeEvidence(open);
    describeDecisions(open);
    describeLogs(open);
    describeUnknownRegistrations(open);
    describePoolSettings(open);
    describePoolRemains(open);
    describeSettingsInUse(open);
    describeReruns(open);
    describeRetention(open);
    describeRoundTrips(open);
  });
}
