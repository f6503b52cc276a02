/** Loaded into a server before it starts: replies to each message with the bytes of its heap after garbage collection. */
process.on("message", () => {
  globalThis.gc();
  globalThis.gc();
  process.send(process.memoryUsage().heapUsed);
});
