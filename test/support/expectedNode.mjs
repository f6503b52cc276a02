/**
 * With EXPECTED_NODE, the test files and all processes that they start fail where they run on another version
 * of Node: a program that found another `node` first would make `npm run test:nodes` test nothing.
 */
const expected = process.env.EXPECTED_NODE;
if (expected) {
  if (process.version !== expected) throw new Error(`This is Node ${process.version}, not ${expected}.`);
  const option = `--import=${import.meta.url}`;
  const options = process.env.NODE_OPTIONS ?? "";
  if (!options.includes(option)) process.env.NODE_OPTIONS = `${options} ${option}`.trim();
}
