/**
 * Converts the code blocks of Markdown to HTML with syntax highlighting: Redoc only highlights the samples of
 * operations.
 */

/** The highlighted tokens of each language, by Redoc's own classes. */
const tokens: Record<string, RegExp> = {
  bash: /(?<comment>^#.*)|(?<string>'[^']*'|"(?:\\.|[^"\\])*")|(?<property>\$\w+|\b[A-Z]+(?==))|(?<keyword>\b(?:curl|export|npm|npx|grep|cut|docker)\b)|(?<operator>(?<=\s)--?[A-Za-z][\w-]*)/gm,
  json: /(?<property>"[^"]*"(?=:))|(?<string>"(?:\\.|[^"\\])*")|(?<number>-?\b\d[\d.]*\b)|(?<keyword>\b(?:true|false|null)\b)/g,
};

/** Replaces each fenced block; adjacent blocks, such as a request and its response, become one figure. */
export function highlightCodeBlocks(markdown: string): string {
  const block = /^```(\w+)\n(.*?)^```$/gms;
  return markdown.replace(/(?:^```\w+\n(?:(?!^```$).*\n)*?^```$\n*)+/gm, (blocks) => {
    const parts = [...blocks.matchAll(block)].map(
      ([, language = "", code = ""]) =>
        `<pre class="${language}"><button type="button">Copy</button><code>${highlight(code.trimEnd(), tokens[language])}</code></pre>`,
    );
    return `<div class="example">${parts.join("")}</div>\n\n`;
  });
}

/** Redoc drops text between elements that is only white space, so white space is put into the preceding element. */
function highlight(code: string, pattern?: RegExp): string {
  if (!pattern) return escapeHtml(code);
  let html = "";
  let end = 0;
  for (const match of code.matchAll(new RegExp(`(?:${pattern.source})\\s*`, pattern.flags))) {
    html += escapeHtml(code.slice(end, match.index));
    const [name] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? [];
    html += `<span class="${name}">${escapeHtml(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return html + escapeHtml(code.slice(end));
}

function escapeHtml(text: string): string {
  // In Markdown, a blank line would end the HTML block.
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n\n", "\n&#8203;\n");
}
