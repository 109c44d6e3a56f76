import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";

/** One `log` statement's line as the edge ran it. */
export interface LogLine {
  readonly service: string;
  readonly pop: string;
  readonly line: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Appends what VCL logs, one line each, to `<state>/logs/edge.log`, as a logging endpoint would receive it. */
export interface LogFile {
  readonly path: string;
  write(line: LogLine): void;
  close(): Promise<void>;
}

const SYSLOG = /^syslog \S+ \S+ :: /;

export async function openLogFile(stateDir: string): Promise<LogFile> {
  const folder = join(stateDir, "logs");
  await mkdir(folder, { recursive: true });
  const path = join(folder, "edge.log");
  const stream = createWriteStream(path, { flags: "a" });
  await once(stream, "open");
  return {
    path,
    write({ line }) {
      stream.write(`${line.replace(SYSLOG, "").replace(/[\r\n]/g, " ")}\n`, "latin1");
    },
    async close() {
      stream.end();
      await once(stream, "close");
    },
  };
}
