/** Loaded into a server before it starts: answers each message with the bytes that its heap holds, garbage collected. */
process.on("message", () => {
  globalThis.gc();
  globalThis.gc();
  process.send(process.memoryUsage().heapUsed);
});
