/**
 * With EXPECTED_NODE, the test files and all processes that they start fail if they run on another version of Node.
 * Otherwise, `npm run test:nodes` would test the wrong version if a program found another `node` first.
 */
const expected = process.env.EXPECTED_NODE;
if (expected) {
  if (process.version !== expected) throw new Error(`This is Node ${process.version}, not ${expected}.`);
  const option = `--import=${import.meta.url}`;
  const options = process.env.NODE_OPTIONS ?? "";
  if (!options.includes(option)) process.env.NODE_OPTIONS = `${options} ${option}`.trim();
}
