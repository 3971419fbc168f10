/**
 * Why something was done or not done: the closed catalogue. Every job that waits, every machine that is kept and every
 * one that retires carries one of these, with one sentence for a person. `docs/reference/reasons.md` is written from it.
 */
export const REASONS = {
  // Why a job waits.
  "no-pool": { sentence: "No pool has all the labels that the job asks for and accepts its repository." },
  "pool-observes": { sentence: "The pool only observes: it records what it would do, and starts and ends nothing." },
  "pool-unusable": {
    sentence:
      "The pool could not be used when its provider was tried, so nothing is started there; it is tried again each minute.",
  },
  "would-launch": { sentence: "The pool only observes; else a machine would be launched for it now." },
  "would-mint": { sentence: "The pool only observes; else a ticket would be made for it now." },
  "waits-for-approval": { sentence: "GitHub holds the job until somebody approves it." },
  "ticket-minting": { sentence: "GitHub is being asked for a ticket." },
  "ticket-issued": { sentence: "A ticket is ready; its machine has not asked for it yet." },
  "runner-starting": { sentence: "The machine has the ticket and is starting its runner." },
  "github-assigning": { sentence: "A runner is online for it; GitHub has not given it the job yet." },
  "github-does-not-assign": {
    sentence: "A runner has been online for it past the bound, and GitHub does not assign the job.",
  },
  "runners-late": {
    sentence: "Runners that were started for it did not come online by their deadline; they are asked back first.",
  },
  "covered-by-running": {
    sentence: "A runner of this pool just took a job that GitHub has not named yet; it may be this one.",
  },
  "machine-booting": { sentence: "A machine for it is starting." },
  "machine-launching": { sentence: "The provider is being asked for a machine." },
  "at-max": { sentence: "The pool has as many machines as `machines.max` allows." },
  "pool-drained": {
    sentence: "An operator drained the pool: it starts no machine and makes no ticket until it is released.",
  },
  "launch-backoff": { sentence: "The last launch failed; the next is tried after a pause." },
  "provider-full": {
    sentence: "The provider has no room for another machine of the pool now; it is asked again after a pause.",
  },
  "provider-quota": {
    sentence:
      "The account's quota at the provider is used up; launches of that kind rest, and the job keeps its place.",
  },
  "provider-refuses": {
    sentence:
      "The provider refuses the pool's settings; the pool's evidence has its words, and it is tried again later.",
  },
  "launches-stopped": {
    sentence: "Launches of this pool kept failing to check in; they are stopped until a probe succeeds.",
  },
  "tickets-stopped": {
    sentence:
      "Runners of this pool kept ending without a job; no ticket is made and no machine is started until a probe runs a job.",
  },
  "job-stopped": {
    sentence: "Runners that were made for it kept ending without a job; it gets one more after a growing pause.",
  },
  "asking-github": { sentence: "Before it gets another ticket, GitHub is asked whether the job is still queued." },
  "rerun-due": { sentence: "It was lost with its machine: GitHub is asked about its run, and then to run it again." },
  "github-job-not-found": {
    sentence:
      "GitHub does not find the job, so it gets no ticket: its run was deleted, or its repository moved out of our sight.",
  },
  "github-unauthorized": { sentence: "GitHub refuses the connection's credentials, so there is no ticket for it." },
  "github-forbidden": { sentence: "GitHub does not permit the connection to register runners there." },
  "github-not-found": { sentence: "GitHub does not find the place where the runner is to be registered." },
  "github-not-installed": { sentence: "The App is not installed where the runner is to be registered." },
  "github-suspended": { sentence: "GitHub has suspended the App's installation, so there is no ticket for it." },
  "github-clock-skew": { sentence: "GitHub refuses the App's signature because this computer's clock is wrong." },
  "github-rate-limited": { sentence: "GitHub's rate limit is used up; the ticket is asked for when GitHub allows it." },
  "github-budget": {
    sentence: "What is left of GitHub's rate limit is kept for more urgent calls; the ticket is asked for after them.",
  },
  "github-runners-full": { sentence: "GitHub allows no more runners in the runner group or the scope." },
  "github-group-unknown": { sentence: "GitHub has no runner group of the pool's name for it." },
  "github-unavailable": {
    sentence: "GitHub did not answer the last request for a ticket or about the job; it is repeated after a pause.",
  },
  "github-invalid": {
    sentence: "GitHub refused the last request for a ticket as wrong; the next is tried after a pause.",
  },
  "fleet-not-listed": {
    sentence:
      "The provider has not listed its machines since Holdfast started: some may be there that it does not count yet, so none is started.",
  },
  "group-sized-by-others": {
    sentence: "Others decide how many machines its group has (`scaling: external`), and none of them is free for it.",
  },
  "runner-deprecated": {
    sentence: "GitHub takes no more jobs with the pool's version of the runner, so no machine is started with it.",
  },
  "ticket-backoff": { sentence: "Earlier tickets made for it ended without it; the next is made after a pause." },
  "mint-next": { sentence: "It gets a ticket now." },
  "start-next": { sentence: "A machine that waits stopped is started for it now." },
  "launch-next": { sentence: "A machine is launched for it now." },
  "ticket-aimed": { sentence: "A ticket that was made for another job counts for it now." },
  // What is done about a ticket or a registration.
  "ticket-unneeded": { sentence: "No job needs the ticket and it has not left Holdfast: it is voided." },
  "hand-back-due": { sentence: "Its host is asked to hand its ticket back, and decides by its fence." },
  "registration-over": { sentence: "Its ticket is over, so its registration is deleted at GitHub." },
  "registrations-unlisted": {
    sentence:
      "GitHub did not list its registrations, or did not delete this one, when it was last asked; it is asked again after a pause.",
  },
  // Why a machine is kept.
  "being-launched": { sentence: "The provider has been asked for it and has not answered yet." },
  booting: { sentence: "It starts; its agent has not reported yet, and its boot deadline has not passed." },
  "waits-for-ticket": { sentence: "A job needs it: it waits for its ticket." },
  "kept-warm": { sentence: "The pool keeps it parked for the next job (`warm.parked`)." },
  "stops-for-later": {
    sentence: "No job needs it now: it is stopped and kept for later, where it costs its disks only (`warm.stopped`).",
  },
  stopping: { sentence: "It is being stopped: its host says that it holds nothing, and then the provider is asked." },
  "kept-stopped": {
    sentence: "The pool keeps it stopped; it is started for a job before a new one is (`warm.stopped`).",
  },
  "being-started": { sentence: "The provider is being asked to start it again." },
  "kept-registered": {
    sentence:
      "Its runner waits online for the next job (`warm.registered`), so it is presumed busy and ends only by its host's word.",
  },
  "awaits-replacement": {
    sentence:
      "It is to be replaced, and goes once its replacement is parked; at most a fifth of the pool goes at a time.",
  },
  "within-surplus-grace": { sentence: "No job needs it now; it is kept a moment in case the next one does." },
  "ticket-out": {
    sentence: "It may hold a ticket, so it is presumed busy until its host says that the ticket is over.",
  },
  "runs-job": { sentence: "Its host sees a job running." },
  "handing-back": {
    sentence:
      "Its host is asked to hand its ticket back, and decides by its fence; until then it may have a job. One that is asked for want of a job hears nothing of it while a job waits that could come to it, for ten minutes.",
  },
  "waits-for-github": {
    sentence: "Its runner is online past its bound; a job that could come to it waits, so it is kept.",
  },
  "agent-silent": { sentence: "Its agent is silent. Silence proves nothing, so it is kept." },
  "host-unreadable": {
    sentence: "Its agent cannot read part of what shows whether a job runs. Unknown counts as busy.",
  },
  "out-of-service": {
    sentence: "Somebody took it out of its group's service: it gets no ticket and is left alone until it is back.",
  },
  "no-agent": {
    sentence:
      "It is a member of the pool's group, and no agent of Holdfast was ever heard as it: what runs there may be somebody else's, and is left alone.",
  },
  "group-waits": {
    sentence: "Its group wants to end it, and is made to wait for as long as a job may run there.",
  },
  "group-goes-on-soon": {
    sentence:
      "Its group wants to end it and will soon go on, whatever Holdfast says: the hook's global limit is near, and a job may run there.",
  },
  "group-goes-on": {
    sentence:
      "Its group is ending it and waits for nobody: it has no terminate hook, or the hook's time was over. A job that runs there dies with it.",
  },
  held: { sentence: "An operator holds it: it gets no ticket and is not ended until it is released." },
  frozen: {
    sentence:
      "An operator froze the pool: nothing in it is ended until it is thawed, and what is done with keeps its place.",
  },
  // Why a machine retires.
  "boot-deadline": { sentence: "It was not ready for a job by its boot deadline." },
  "used-up": { sentence: "It has run as many jobs as one machine may (`machines.jobsPerMachine`)." },
  surplus: { sentence: "No job needs it and the pool keeps enough parked machines without it." },
  outdated: { sentence: "It was made from settings of the pool that have changed since." },
  "too-old": { sentence: "It is older than the pool lets a machine become (`machines.maxAge`)." },
  "pool-left": { sentence: "The pool left the configuration: it takes no more jobs, and its machines retire." },
  "machine-dead": { sentence: "The provider says that it is dead." },
  "shutting-down": { sentence: "Holdfast itself is taking everything down, as the demonstration does at its end." },
  "runner-late": { sentence: "The runner of its last ticket did not come online by its deadline." },
  "runner-failed": { sentence: "The runner of its last ticket ended without a job, so it gets no more tickets." },
  "not-stoppable": {
    sentence: "The provider did not stop it, so it ends instead of waiting stopped; no other is stopped for a while.",
  },
  "group-ends-it": { sentence: "Its group ends it or took it out of service for good; it gets no more tickets." },
  "agent-leaving": { sentence: "Its agent was told by the machine to end and takes no more tickets." },
  adopted: {
    sentence:
      "Its row had been lost, or came from a backup: nobody knows what it did meanwhile, so it gets no more tickets.",
  },
  quarantined: {
    sentence: "More than one agent spoke as this machine, or it named another's ticket: it gets no more tickets.",
  },
  "host-lost": {
    sentence: "Its host is silent, GitHub sees no runner of it, and no job that is known still runs there.",
  },
  "job-terminal": { sentence: "Its jobs are long over, and nothing on its host has moved since." },
  "limit-past": { sentence: "A limit is past after which a machine is ended by force; the evidence says which." },
  drained: {
    sentence: "An operator drained it or its pool: it gets no more tickets and goes once its last one is over.",
  },
  "operator-forced": { sentence: "An operator forced its end." },
  // What an ending still waits for.
  "awaits-report": { sentence: "Its agent has not reported since the machine began to retire." },
  "report-names-ticket": { sentence: "Its agent's report still names a ticket." },
  "sees-processes": { sentence: "Its agent still sees the runner's processes, or could not look." },
  "ticket-not-over": { sentence: "A ticket of this machine may still be out." },
  "not-ours-from-the-start": { sentence: "The row was adopted or restored, so nobody knows what it did before." },
  "agent-was-seen": { sentence: "Somebody has tried to report as this machine." },
  "deadline-not-past": { sentence: "The deadline has not passed over time in which we could have heard." },
  "not-retiring": { sentence: "The machine is not retiring." },
  "not-dead": { sentence: "The provider does not say that it is dead." },
  "no-reason-given": { sentence: "A forced ending needs a name and a reason." },
  "host-not-silent": { sentence: "Its agent has not been silent for long enough." },
  "github-not-read": { sentence: "GitHub has not been asked about its runner lately, or did not answer." },
  "github-says-online": { sentence: "GitHub says that its runner is online: somebody is there." },
  "github-says-away-too-short": { sentence: "GitHub has not called its runner offline or absent for long enough." },
  "no-job-known": { sentence: "Nobody knows which job its runner had, so nobody can say that it is over." },
  "job-not-terminal": { sentence: "A job of its runner is not over, or not for long enough." },
  "still-moves": { sentence: "Its host still moves: a process, a log, or the job's lease." },
  "logs-not-saved": { sentence: "The last lines of its logs have not been saved yet." },
  "unknown-kept": { sentence: "Machines of which nobody can tell are kept for ever (`deadlines.unknown: 0s`)." },
  "too-many-endings": {
    sentence: "As many machines of this pool were just ended without their host's word as may be in five minutes.",
  },
  "listing-not-whole": { sentence: "The provider's last listing did not come whole." },
  "listing-empty": { sentence: "The provider lists nothing although there are rows." },
  "many-turned-unknown": {
    sentence: "Many machines of this pool turned unknown at once: that is rarely the machines.",
  },
  "registration-not-over": { sentence: "The ticket of this registration is not over." },
  deregistering: { sentence: "The registration of a ticket that never left us is being deleted." },
  terminating: { sentence: "The provider is being asked to end it." },
  confirming: { sentence: "The provider was asked and has not yet said that it is gone." },
} as const satisfies Record<string, { readonly sentence: string }>;

export type ReasonCode = keyof typeof REASONS;

export const RETIRE_REASONS = [
  "boot-deadline",
  "used-up",
  "surplus",
  "outdated",
  "too-old",
  "pool-left",
  "machine-dead",
  "shutting-down",
  "group-ends-it",
  "agent-leaving",
  "runner-late",
  "runner-failed",
  "not-stoppable",
  "adopted",
  "quarantined",
  "host-lost",
  "job-terminal",
  "limit-past",
  "drained",
  "operator-forced",
] as const satisfies readonly ReasonCode[];
export type RetireReason = (typeof RETIRE_REASONS)[number];

export function sentenceOf(reason: ReasonCode): string {
  return REASONS[reason].sentence;
}
