/** The chart of the time of a request by the size of a company, drawn from the results. */
import type { ScaleResults, Times } from "./scale.ts";

const width = 860;
const height = 474;
const top = 92;
const bottom = height - 96;
const panelWidth = 205;
const lefts = [48, 470];
/** The height of a label, so that no two overlap. */
const lineHeight = 14;

const titles: Record<string, string> = { sqlite: "SQLite", postgres: "PostgreSQL" };

/** The drawn operations, and their labels. Each color has contrast on light and dark backgrounds. */
const series: Record<string, { label: string; color: string }> = {
  get: { label: "get", color: "#8b949e" },
  "first page": { label: "list", color: "#3a8bdb" },
  "page at 90 %": { label: "list at 90 %", color: "#2f6fae" },
  "status of one in 1,000": { label: "list, rare status", color: "#39a2a2" },
  "search: one customer's number": { label: "search, rare", color: "#e5534b" },
  "search: common": { label: "search, common", color: "#b07cd8" },
  "search: one character": { label: "search, a letter", color: "#d08a1d" },
  "search: no match": { label: "search, no match", color: "#57a639" },
};

/** Draws lines of medians by the size of the company as SVG: one panel for each engine, both axes logarithmic. */
export function drawChart({ setting, times }: ScaleResults): string {
  const panels = Object.entries(times);
  const drawn = panels.flatMap(([, operations]) =>
    Object.keys(series).flatMap((name) => Object.entries(operations[name] ?? {})),
  );
  const sizes = [...new Set(drawn.map(([size]) => Number(size)))].sort((a, b) => a - b);
  const medians = drawn.map(([, { median }]) => median);
  const decades = {
    from: Math.floor(Math.log10(Math.min(...medians))),
    to: Math.ceil(Math.log10(Math.max(...medians))),
  };
  const x = (size: number) =>
    (Math.log10(size / (sizes[0] as number)) / Math.log10((sizes.at(-1) as number) / (sizes[0] as number))) *
    panelWidth;
  const y = (milliseconds: number) =>
    bottom - ((Math.log10(milliseconds) - decades.from) / (decades.to - decades.from)) * (bottom - top);

  const drawnPanels = panels.map(([engine, operations], panel) => {
    const grid = Array.from({ length: decades.to - decades.from + 1 }, (_, index) => {
      const milliseconds = 10 ** (decades.from + index);
      const at = y(milliseconds).toFixed(1);
      return `<line x1="0" y1="${at}" x2="${panelWidth}" y2="${at}" class="grid"/>
<text x="-8" y="${(y(milliseconds) + 4).toFixed(1)}" text-anchor="end">${milliseconds}</text>`;
    });
    const ticks = sizes.map(
      (size) =>
        `<line x1="${x(size).toFixed(1)}" y1="${top}" x2="${x(size).toFixed(1)}" y2="${bottom}" class="grid"/>
<text x="${x(size).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${size.toLocaleString("en")}</text>`,
    );
    const lines = Object.entries(series).flatMap(([name, { label, color }]) => {
      const points = Object.entries(operations[name] ?? {}).map(([size, { median }]: [string, Times]) => ({
        x: x(Number(size)),
        y: y(median),
        median,
      }));
      const last = points.at(-1);
      return last ? [{ label, color, points, last }] : [];
    });
    const labelPlaces = spreadOut(lines.map(({ last }) => last.y));
    const drawnLines = lines.map(({ label, color, points, last }, index) => {
      const labelY = labelPlaces[index] as number;
      return `<polyline points="${points.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(" ")}" stroke="${color}" class="line"/>
${points.map((point) => `<circle cx="${point.x.toFixed(1)}" cy="${point.y.toFixed(1)}" r="3" fill="${color}"/>`).join("")}
<path d="M${panelWidth + 5} ${last.y.toFixed(1)} L${panelWidth + 17} ${labelY.toFixed(1)}" stroke="${color}" class="leader"/>
<text x="${panelWidth + 21}" y="${(labelY + 4).toFixed(1)}">${label} <tspan class="strong">${last.median.toPrecision(2)}</tspan></text>`;
    });
    return `<g transform="translate(${lefts[panel]} 0)">
<text x="0" y="${top - 16}" class="strong">${titles[engine] ?? engine}</text>
${[...grid, ...ticks, ...drawnLines].join("\n")}
<text x="${panelWidth / 2}" y="${bottom + 38}" text-anchor="middle" class="note">customers of the company</text>
</g>`;
  });

  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">Median milliseconds of each kind of read, by the number of customers, on both engines</title>
<style>
  text { font: 12px system-ui, "Helvetica Neue", Arial, sans-serif; fill: #1f2328; }
  .ground { fill: #ffffff; stroke: #d1d9e0; }
  .grid { stroke: #d1d9e0; }
  .line { fill: none; stroke-width: 2; }
  .leader { fill: none; opacity: 0.6; }
  .heading { font-size: 16px; }
  .heading, .strong { font-weight: 600; }
  .note { fill: #59636e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .ground { fill: #0d1117; stroke: #3d444d; }
    .grid { stroke: #3d444d; }
    .note { fill: #9198a1; }
  }
</style>
<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
<text x="20" y="30" class="heading">Milliseconds of a read as a company grows</text>
<text x="20" y="49" class="note">Medians over HTTP, one request at a time; both axes are logarithmic. In bold, the largest company.</text>
${drawnPanels.join("\n")}
<text x="20" y="${height - 34}" class="note">${setting.samples} requests each, pages of 50; 99 other companies have a tenth as many customers in total. Data: test/bench/scale.json.</text>
<text x="20" y="${height - 16}" class="note">Measured ${setting.date} by npm run bench:scale on Node ${setting.node}, ${setting.processor}.</text>
</svg>
`;
}

/** Moves positions apart, keeping their order, until they are at least a line apart. */
function spreadOut(places: number[]): number[] {
  const found = [...places];
  const order = [...places.keys()].sort((a, b) => (places[a] as number) - (places[b] as number));
  // Moves overlapping neighbors apart, half the distance each, until none overlap.
  for (let round = 0; round < 500; round++) {
    for (const [rank, index] of order.slice(1).entries()) {
      const above = order[rank] as number;
      const overlap = lineHeight - ((found[index] as number) - (found[above] as number));
      if (overlap <= 0) continue;
      found[above] = (found[above] as number) - overlap / 2;
      found[index] = (found[index] as number) + overlap / 2;
    }
  }
  return found;
}
