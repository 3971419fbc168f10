/** The pages' one style sheet. Colours are never the only sign: each stands beside a word. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1d2421; --quiet: #5c6661; --line: #e4e2db; --track: #eceae3;
  --accent: #1f5f5b; --engaged: #2f7f79; --parked: #9cc9b4; --starting: #e0b25c; --retiring: #a9a3b8;
  --good-ink: #2b6647; --good: #e3f0e8; --busy-ink: #185c57; --busy: #dcefed; --warn-ink: #7a5210; --warn: #faeccd;
  --bad-ink: #97302a; --bad: #f8e0dd; --none: #edebe5;
  --band-busy: #b9dedb; --band-idle: #d5eadf; --band-starting: #f6dfae; --band-retiring: #dad6e3;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141817; --card: #1b2120; --ink: #e6e9e5; --quiet: #96a09b; --line: #2b3230; --track: #272e2c;
    --accent: #7fc4bd; --engaged: #4fa59e; --parked: #3f6f5b; --starting: #b98a37; --retiring: #6c6780;
    --good-ink: #9fd3b5; --good: #1f3329; --busy-ink: #93d5ce; --busy: #1b3634; --warn-ink: #ecc27a; --warn: #3a2f17;
    --bad-ink: #f0a39c; --bad: #3f2220; --none: #272e2c;
    --band-busy: #23524f; --band-idle: #24453a; --band-starting: #5a451d; --band-retiring: #413d50;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 120rem; padding: 0 1.5rem 2rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 var(--sans); font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
p, dl, dd, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .6rem; font-size: .8rem; font-weight: 600; color: var(--quiet); letter-spacing: .04em; text-transform: uppercase; }
h3 { margin: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
section { margin-top: 2rem; }
.mono, code { font-family: var(--mono); font-size: .88em; overflow-wrap: anywhere; }
h1.mono { font-size: 1.4rem; }
.quiet { color: var(--quiet); }
code { color: var(--quiet); white-space: nowrap; }
code.key { color: inherit; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.top { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .9rem; padding: 1rem 0 .9rem; border-bottom: 1px solid var(--line); }
.brand { display: inline-flex; align-items: center; gap: .5rem; font-weight: 650; font-size: 1.05rem; color: var(--ink); }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .4rem .8rem; background: var(--card); border-radius: 8px; z-index: 1; }
.places { display: flex; gap: .25rem; }
.places a { padding: .25rem .7rem; border-radius: 8px; color: var(--quiet); }
.places a[aria-current] { background: var(--none); color: var(--ink); font-weight: 600; }
.find { margin-left: auto; flex: 0 1 22rem; }
.find input {
  width: 100%; padding: .45rem .75rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card);
  color: inherit; font: inherit; font-size: .9rem;
}
.find input::placeholder { color: var(--quiet); opacity: 1; }

main { display: grid; grid-template-columns: minmax(0, 1fr); column-gap: 2rem; }
.part { min-width: 0; }
@media (min-width: 84rem) {
  main { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .part { grid-column: 1 / -1; }
  #waiting, #machines, #recent, #ended, #endings, #refusals { grid-column: auto; }
}
#headline h1 { margin-top: 1.25rem; }
@media (min-width: 84rem) {
  main:not(:has(#pools .card:nth-child(3))) :is(#pools, #sources) { grid-column: auto; }
}
body.lost main { opacity: .6; }
#live-status[data-state="live"]::before { content: ""; display: inline-block; width: .5rem; height: .5rem; margin-right: .35rem; border-radius: 50%; background: var(--engaged); }
#live-status[data-state="lost"] { position: fixed; z-index: 1; inset: .6rem 0 auto; width: fit-content; max-width: calc(100% - 2rem); margin: 0 auto; padding: .45rem .9rem; border: 1px solid var(--bad-ink); border-radius: 8px; background: var(--bad); color: var(--bad-ink); font-weight: 600; }
.bad-ink { color: var(--bad-ink); font-weight: 600; }

.health { margin-top: 1.25rem; }
.health .dot { display: inline-block; width: .6rem; height: .6rem; margin-right: .5rem; border-radius: 50%; background: var(--good-ink); }
.health.warn .dot { background: var(--starting); }
.health.bad .dot { background: var(--bad-ink); }
.trouble { margin-top: .5rem; padding: .45rem .7rem; border-radius: 8px; background: var(--warn); color: var(--warn-ink); font-size: .9rem; overflow-wrap: anywhere; }
.trouble .mark { font-weight: 700; margin-right: .25rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 9rem)); gap: .25rem 1.5rem; margin-top: 1.25rem; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: .35rem 0; }
.figures dt { color: var(--quiet); font-size: .85rem; }
.figures dd { font-size: 2rem; line-height: 1.15; font-weight: 600; letter-spacing: -0.02em; }
.figures .zero dd { color: var(--quiet); font-weight: 400; }
.figures .warn dd, .figures .warn dt { color: var(--warn-ink); }

.cards { display: grid; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.card { padding: 1rem 1.1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.card-head { display: flex; align-items: baseline; gap: .6rem; }
.card-head .of { margin-left: auto; white-space: nowrap; }
.chip, .verdict, .proof { display: inline-block; padding: 0 .5rem; border-radius: 999px; background: var(--none); color: var(--quiet); font-size: .82rem; line-height: 1.5rem; white-space: nowrap; }
.verdict { font-weight: 600; }
.chip.word { background: var(--warn); color: var(--warn-ink); }
.words { margin: .7rem 0 0; padding: 0; list-style: none; }
.words li { margin-top: .3rem; overflow-wrap: anywhere; }
.verdict.busy, .verdict.in_progress { background: var(--busy); color: var(--busy-ink); }
.verdict.idle, .verdict.completed { background: var(--good); color: var(--good-ink); }
.verdict.unknown, .verdict.queued, .verdict.waiting { background: var(--warn); color: var(--warn-ink); }
.verdict.bad { background: var(--bad); color: var(--bad-ink); }
.bar { display: block; width: 100%; height: .75rem; margin: .8rem 0 .6rem; border-radius: 6px; background: var(--track); overflow: hidden; }
.bar rect { stroke: var(--card); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.bar .engaged { fill: var(--engaged); } .bar .parked { fill: var(--parked); } .bar .retiring { fill: var(--retiring); }
.bar .provisioning, .bar .planned { fill: var(--starting); } .bar .planned { fill-opacity: .55; }
.bar .stopped, .bar .stopping { fill: var(--parked); fill-opacity: .45; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .9rem; font-size: .88rem; }
.facts { margin-top: .2rem; color: var(--quiet); font-size: .88rem; }
.swatch { display: inline-block; width: .6rem; height: .6rem; margin-right: .35rem; border-radius: 2px; background: var(--none); }
.swatch.engaged { background: var(--engaged); } .swatch.parked { background: var(--parked); }
.swatch.provisioning { background: var(--starting); } .swatch.planned { background: var(--starting); opacity: .55; }
.swatch.stopped, .swatch.stopping { background: var(--parked); opacity: .45; }
.swatch.retiring { background: var(--retiring); }

table { width: 100%; border-collapse: separate; border-spacing: 0; border: 1px solid var(--line); border-radius: 12px; background: var(--card); overflow: hidden; }
th, td { padding: .55rem 1.1rem; text-align: left; vertical-align: baseline; font-weight: inherit; }
thead th { white-space: nowrap; color: var(--quiet); font-size: .82rem; border-bottom: 1px solid var(--line); }
tbody tr + tr th, tbody tr + tr td { border-top: 1px solid var(--line); }
tbody th { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
td.number { font-weight: 600; }
td.number.quiet { font-weight: 400; }
.share { width: 22%; min-width: 4rem; padding-left: 0; }
.share-bar { display: inline-block; width: 100%; height: .6rem; border-radius: 3px; background: var(--track); }
.share-bar rect { fill: var(--engaged); }
.says { color: var(--quiet); font-size: .92rem; }
.warn-row th, .warn-row td { background: var(--warn); color: var(--warn-ink); }
.warn-row .share-bar rect { fill: var(--starting); }
table + .rows, .sources + .cards { margin-top: 1rem; }

.drawing { margin: 0; padding: .9rem 1.1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.lane { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 0 1rem; align-items: center; min-height: 1.2rem; }
.lane + .lane { margin-top: .2rem; }
.lane svg { display: block; overflow: hidden; }
.lane > svg { overflow: visible; }
.lane-name { font-size: .86rem; text-align: right; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tick { stroke: var(--quiet); } .tick-name { fill: var(--quiet); font-size: 11px; }
.ground { stroke: var(--line); }
.band { fill: var(--none); stroke: var(--line); }
.band-name { fill: var(--ink); font-size: 12px; }
.band.reasons { fill: var(--paper); stroke: var(--line); }
.band.reasons ~ .band-name { fill: var(--quiet); font-size: 11px; }
.band.s-engaged, .band.s-running, .band.s-in_progress { fill: var(--band-busy); }
.band.s-parked, .band.s-stopped, .band.s-stopping, .band.s-online { fill: var(--band-idle); }
.band.s-planned, .band.s-provisioning, .band.s-queued, .band.s-minting, .band.s-issued, .band.s-delivered { fill: var(--band-starting); }
.band.s-retiring, .band.s-handing-back { fill: var(--band-retiring); }
.band.s-unknown, .band.s-waiting { fill: var(--warn); }
.mark-seen { fill: var(--card); stroke: var(--quiet); stroke-width: 2; }
.mark-decided { fill: var(--engaged); }
.next { margin-top: .6rem; }

.rows { border: 1px solid var(--line); border-radius: 12px; background: var(--card); overflow: hidden; }
.row { display: grid; grid-template-columns: minmax(11rem, 15rem) minmax(0, 1fr) minmax(6.5rem, auto); gap: .2rem 1.25rem; padding: .65rem 1.1rem; }
.row + .row { border-top: 1px solid var(--line); }
.who, .when { min-width: 0; }
.who .quiet, .when .quiet { display: block; font-size: .86rem; overflow-wrap: anywhere; }
.who .name .quiet { display: inline; font-size: inherit; }
.name { overflow-wrap: anywhere; }
.why { overflow-wrap: anywhere; }
.why .sub { display: block; font-size: .9rem; }
.when { text-align: right; white-space: nowrap; }
.when strong { font-weight: 600; }
.empty { padding: .9rem 1.1rem; border: 1px dashed var(--line); border-radius: 12px; color: var(--quiet); }
.more { margin-top: .5rem; color: var(--quiet); font-size: .88rem; }

.subject { margin-top: 1.5rem; }
.of-subject { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin-top: .9rem; }
.of-subject dt { color: var(--quiet); font-size: .82rem; }
.answer { margin-top: 1.25rem; padding: 1rem 1.1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.answer p + p { margin-top: .35rem; }
.timeline { position: relative; }
.timeline li { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr) auto; gap: .1rem 1.25rem; padding: .45rem 0; }
.timeline li + li { border-top: 1px solid var(--line); }
.timeline .date { display: block; padding: .3rem 0; color: var(--quiet); font-size: .85rem; }
.timeline .at { white-space: nowrap; }
.timeline .at .quiet { font-size: .86rem; margin-left: .3rem; }
.timeline .rule { color: var(--quiet); font-size: .92rem; }
.timeline p { overflow-wrap: anywhere; }
.timeline .decided > div:nth-child(2) { padding-left: .75rem; border-left: 3px solid var(--engaged); }
.timeline .seen > div:nth-child(2) { padding-left: .75rem; border-left: 3px solid var(--track); }
.source { color: var(--quiet); font-size: .86rem; white-space: nowrap; }

footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem; margin-top: 2.5rem; padding-top: .9rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .88rem; }
footer nav a { margin-left: .9rem; }

@media (max-width: 44rem) {
  body { padding: 0 1rem 1.5rem; }
  .find { flex: 1 1 100%; margin: .3rem 0 0; }
  .row { grid-template-columns: minmax(0, 1fr) auto; padding: .7rem .9rem; }
  .row .why { grid-column: 1 / -1; grid-row: 2; }
  .figures { grid-template-columns: repeat(3, 1fr); gap: .25rem 1rem; }
  .figures dd { font-size: 1.6rem; }
  .lane { grid-template-columns: minmax(0, 1fr); }
  .lane-name { text-align: left; }
  th, td { padding: .5rem .7rem; }
  .counts, .counts tbody, .counts tr { display: block; }
  .counts thead { display: none; }
  .counts tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; padding: .5rem 0; }
  .counts tr + tr { border-top: 1px solid var(--line); }
  .counts tbody tr + tr th, .counts tbody tr + tr td { border-top: 0; }
  .counts th, .counts td { display: block; padding: .1rem .9rem; white-space: normal; }
  .counts .share { display: none; }
  .counts .says { grid-column: 1 / -1; }
  .timeline li { grid-template-columns: minmax(0, 1fr) auto; }
  .timeline li > div:nth-child(2) { grid-column: 1 / -1; grid-row: 2; }
}
@media (prefers-reduced-motion: no-preference) { a { transition: color .15s; } }
`;
