/** Starts the server. */
import "./requireNode.ts";
import "./compileCache.ts";
import "./signals.ts";

// Signals are caught while these modules load, which takes a quarter of a second.
await import("./startServer.ts");
