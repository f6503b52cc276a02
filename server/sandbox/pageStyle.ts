/** The style of the sandbox's page. */
export const pageStyle = `:root {
  color-scheme: light dark;
  --text: #16211f; --muted: #475653; --line: #d4deda; --page: #fff; --layer: #f3f6f5;
  --accent: #0b6e63; --on-accent: #fff;
  --s2: #14663a; --s3: #1a4fbf; --s4: #7a4b00; --s5: #a8120d; --on-badge: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #eef3f2; --muted: #b1bebb; --line: #33403d; --page: #101715; --layer: #18211f;
    --accent: #5fd3c2; --on-accent: #06231f;
    --s2: #6fdca4; --s3: #8cc0f5; --s4: #f0c274; --s5: #ff9d94; --on-badge: #101715;
  }
}
* { box-sizing: border-box }
[hidden] { display: none !important }
body {
  margin: 0; color: var(--text); background: var(--page); font: 15px/1.5 system-ui, sans-serif;
  display: grid; grid-template-columns: 11rem minmax(0, 1fr) 21rem; gap: 0 2rem; padding: 0 2rem 4rem;
  max-width: 104rem; margin-inline: auto;
}
a { color: var(--accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.skip { position: absolute; left: -100vw }
.skip:focus { left: 1rem; top: 1rem; background: var(--page); padding: .5rem; z-index: 2 }
code, pre, textarea, input { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace }
code { overflow-wrap: anywhere }
small { font-size: 13px; color: var(--muted) }
h1 { font-size: 1.6rem; font-weight: 400; margin: 1.25rem 0 0 }
h1 strong { color: var(--accent) }
h2 { font-size: 1.15rem; margin: 0; display: inline }
h3 { font-size: 1rem; font-weight: 500; margin: 0; display: flex; gap: .6rem; align-items: baseline }
h4 { font-size: .9rem; margin: 0 0 .4rem }
header { grid-column: 1 / -1; border-bottom: 1px solid var(--line); padding-bottom: 1rem; margin-bottom: 1.5rem }
header p { margin: .25rem 0 .75rem; color: var(--muted); max-width: 60rem }
.controls, .own { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center }
label { color: var(--muted); font-size: 13px }
select, input, textarea, button {
  color: var(--text); background: var(--page); border: 1px solid var(--muted); border-radius: 6px; padding: .35rem .6rem;
  max-width: 100%;
}
select { font: inherit; width: 15rem }
#language, .own select { width: auto }
button { font: inherit; font-weight: 600; cursor: pointer; background: var(--accent); color: var(--on-accent); border-color: var(--accent) }
button.copy { background: var(--page); color: var(--accent) }
nav, aside { position: sticky; top: 0; align-self: start; padding: .25rem 0 }
nav ul { list-style: none; margin: 0; padding: 0 }
nav li { margin: .35rem 0 }
nav a { text-decoration: none }
nav a:hover { text-decoration: underline }
.group, #own { border: 1px solid var(--line); border-radius: 10px; margin-bottom: 1.25rem; background: var(--layer) }
.group > summary { padding: .75rem 1rem; cursor: pointer }
#own { padding: .75rem 1rem 1rem }
#keys dl, #keys p { margin: 0 1rem 1rem }
#keys dd { margin: 0 0 .4rem; color: var(--muted) }
.own { margin-top: .5rem; align-items: end }
.own label { display: grid }
.own .wide { flex: 1 1 18rem }
.own .body { flex-basis: 100% }
.request {
  display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem 1rem; padding: .65rem 1rem;
  border-top: 1px solid var(--line); background: var(--page);
}
.request:last-child { border-radius: 0 0 10px 10px }
.target { margin: 0; grid-column: 1; color: var(--muted) }
.run { grid-column: 2; grid-row: 1 / span 2; align-self: center }
.code, .request .result { grid-column: 1 / -1 }
.code summary, .response summary { cursor: pointer; color: var(--accent); font-size: 13px; width: max-content }
.badge {
  display: inline-block; min-width: 2.6rem; text-align: center; border-radius: 5px; padding: 0 .35rem;
  font: 600 13px/1.6 ui-monospace, Menlo, Consolas, monospace; color: var(--on-badge); background: var(--s4);
}
.s2 { background: var(--s2) } .s3 { background: var(--s3) } .s5 { background: var(--s5) }
pre {
  margin: .4rem 0; padding: .7rem; border: 1px solid var(--line); border-radius: 6px; background: var(--layer);
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto;
}
.code pre { max-height: none }
.result { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1.25rem; margin-top: .6rem }
.contract p { margin: 0 0 .4rem }
.verdict { font-weight: 600 }
.conforms { color: var(--s2) }
.differs { color: var(--s5) }
.response dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 .75rem; font-size: 13px; margin: .3rem 0 }
.response dd { margin: 0; overflow-wrap: anywhere }
.response dt { color: var(--muted) }
#recent { list-style: none; margin: .5rem 0 0; padding: 0; max-height: calc(100vh - 5rem); overflow-y: auto }
#recent li { border-top: 1px solid var(--line); padding: .4rem 0 }
#recent p { margin: 0; display: flex; gap: .5rem; align-items: baseline }
@media (max-width: 1200px) {
  body { grid-template-columns: 11rem minmax(0, 1fr) }
  aside { grid-column: 2; position: static }
  #recent { max-height: 24rem }
}
@media (max-width: 700px) {
  body { display: block; padding: 0 1rem 3rem }
  nav { position: static }
  nav ul { display: flex; flex-wrap: wrap; gap: 0 1rem; margin-bottom: 1rem }
  .result { grid-template-columns: minmax(0, 1fr); gap: .5rem }
  .response dl { grid-template-columns: minmax(0, 1fr) }
  .group > summary small { display: none }
  select, #language { width: 100% }
  .controls label { flex: 1 1 8rem; display: grid }
}
`;
