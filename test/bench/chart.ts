/** The chart of the README, drawn from the results. */
import type { EngineResults, Results } from "./results.ts";
import { type ServerName, titles } from "./servers.ts";

const width = 860;
const left = 96;
const right = 72;
const top = 112;
const barHeight = 13;
const groupGap = 22;

/** Colors with contrast on a light and on a dark background. */
const colors: Record<ServerName, string> = {
  ours: "#e5534b",
  plain: "#8b949e",
  fastify: "#3a8bdb",
  glue: "#39a27d",
  documented: "#b07cd8",
  unlimited: "#d4a72c",
};

/**
 * Draws grouped bars of CPU time as SVG. The chart has its own background, light or dark according to the reader's
 * system, so that it is legible on any page.
 */
export function drawChart(setting: Results["setting"], { operations }: EngineResults): string {
  const groups = Object.entries(operations);
  const names = Object.keys(groups[0]?.[1] ?? {}) as ServerName[];
  const most = Math.max(
    ...groups.flatMap(([, figures]) => names.map((name) => figures[name].cpuMicroseconds)),
  );
  const step = chooseStep(most);
  const end = Math.ceil(most / step) * step;
  const x = (microseconds: number) => left + (microseconds / end) * (width - left - right);
  const groupHeight = names.length * barHeight + groupGap;
  const bottom = top + groups.length * groupHeight;
  const height = bottom + 62;

  const legend = names.map((name, index) => {
    const place = { x: left + (index % 3) * 262, y: 64 + Math.floor(index / 3) * 20 };
    return `<rect x="${place.x}" y="${place.y}" width="12" height="12" rx="2" fill="${colors[name]}"/>
<text x="${place.x + 18}" y="${place.y + 10}">${titles[name]}</text>`;
  });
  const ticks = Array.from({ length: end / step + 1 }, (_, index) => {
    const at = x(index * step).toFixed(1);
    return `<line x1="${at}" y1="${top - 6}" x2="${at}" y2="${bottom - groupGap + 6}" class="grid"/>
<text x="${at}" y="${bottom}" text-anchor="middle">${index * step}</text>`;
  });
  const bars = groups.map(([operation, figures], group) => {
    const y = top + group * groupHeight;
    const middle = y + (names.length * barHeight) / 2 + 4;
    return [
      `<text x="${left - 10}" y="${middle}" text-anchor="end" class="strong">${operation}</text>`,
      ...names.map((name, index) => {
        const { cpuMicroseconds } = figures[name];
        const barTop = y + index * barHeight;
        const barEnd = x(cpuMicroseconds);
        return `<rect x="${left}" y="${barTop}" width="${(barEnd - left).toFixed(1)}" height="${barHeight - 2}" fill="${colors[name]}"/>
<text x="${(barEnd + 5).toFixed(1)}" y="${barTop + 9.5}" class="${name === "ours" ? "strong" : ""}">${cpuMicroseconds.toFixed(0)}</text>`;
      }),
    ].join("\n");
  });

  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">CPU time per request of this server and of four references, in microseconds</title>
<style>
  text { font: 12px system-ui, "Helvetica Neue", Arial, sans-serif; fill: #1f2328; }
  .ground { fill: #ffffff; stroke: #d1d9e0; }
  .grid { stroke: #d1d9e0; }
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
<text x="20" y="30" class="heading">CPU time of the server for one request</text>
<text x="20" y="49" class="note">Shorter is better. SQLite, ${setting.customers.toLocaleString("en")} customers, synchronous=FULL, ${setting.connections} connections, Node ${setting.node}, ${setting.processor}.</text>
${[...legend, ...ticks, ...bars].join("\n")}
<text x="${left}" y="${bottom + 22}" class="note">Microseconds of user and system time, as the operating system counts them; medians of ${setting.rounds} rounds, the servers in turn.</text>
<text x="${left}" y="${bottom + 40}" class="note">Measured ${setting.date} by npm run bench; all figures are in test/bench/results.json.</text>
</svg>
`;
}

/** Returns 1, 2 or 5 times a power of ten: the step that gives an axis about eight steps. */
function chooseStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 8));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= most / 8) as number);
}
