/** The log of the server. */
import pino, { type DestinationStream, type Logger } from "pino";
import { serializeError } from "./errors.ts";
import { formatIsoTime } from "./formatIsoTime.ts";

/** A line of JSON for each entry, or human-readable lines. */
export type LogFormat = "json" | "pretty";

/** Creates a log with level names, times formatted as in the API, and no values of SQL statements. */
export async function createLog(
  { logLevel, logFormat }: { logLevel: string; logFormat: LogFormat },
  destination: DestinationStream,
): Promise<Logger> {
  return pino(
    {
      level: logLevel,
      base: null,
      timestamp: () => `,"time":"${formatIsoTime(Date.now())}"`,
      formatters: { level: (level) => ({ level }) },
      serializers: { err: serializeError },
    },
    logFormat === "json" ? destination : await formatLines(destination),
  );
}

async function formatLines(destination: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import("pino-pretty");
  const format = prettyFactory({ translateTime: false, colorize: process.stdout.isTTY === true });
  return { write: (line) => destination.write(format(line)) };
}
