/** The code blocks of Markdown as HTML with colors: Redoc colors the samples of operations only. */

/** What is coloured in a language, by the class of Redoc's own tokens. */
const tokens: Record<string, RegExp> = {
  bash: /(?<comment>^#.*)|(?<string>'[^']*'|"(?:\\.|[^"\\])*")|(?<property>\$\w+|\b[A-Z]+(?==))|(?<keyword>\b(?:curl|export|npm|grep|cut|docker)\b)|(?<operator>(?<=\s)--?[A-Za-z][\w-]*)/gm,
  json: /(?<property>"[^"]*"(?=:))|(?<string>"(?:\\.|[^"\\])*")|(?<number>-?\b\d[\d.]*\b)|(?<keyword>\b(?:true|false|null)\b)/g,
};

/** Replaces each fenced block; neighbours become one figure, as a request and its response. */
export function colorCodeBlocks(markdown: string): string {
  const block = /^```(\w+)\n(.*?)^```$/gms;
  return markdown.replace(/(?:^```\w+\n(?:(?!^```$).*\n)*?^```$\n*)+/gm, (blocks) => {
    const parts = [...blocks.matchAll(block)].map(
      ([, language = "", code = ""]) =>
        `<pre class="${language}"><button type="button">Copy</button><code>${color(code.trimEnd(), tokens[language])}</code></pre>`,
    );
    return `<div class="example">${parts.join("")}</div>\n\n`;
  });
}

/** Redoc drops text of nothing but white space between elements: it goes with the element before it. */
function color(code: string, pattern?: RegExp): string {
  if (!pattern) return escaped(code);
  let html = "";
  let end = 0;
  for (const match of code.matchAll(new RegExp(`(?:${pattern.source})\\s*`, pattern.flags))) {
    html += escaped(code.slice(end, match.index));
    const [name] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? [];
    html += `<span class="${name}">${escaped(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return html + escaped(code.slice(end));
}

function escaped(text: string): string {
  // A blank line would end the block of HTML in Markdown.
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n\n", "\n&#8203;\n");
}
