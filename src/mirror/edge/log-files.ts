import { createHash } from "node:crypto";
import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { fromByteString } from "../../http/byte-string.ts";
import { isErrno } from "../../lib/caught.ts";
import type { LogEndpoint, LogFormat } from "../service.ts";
import { formattedLine } from "./log-line.ts";
import type { LogLine } from "./parts.ts";

/** When a file is this large it is set aside as `.1`; the oldest of `KEPT` such files goes. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const KEPT = 3;
/** Lines that wait to be written, for each file; more are dropped, as Fastly drops what an endpoint cannot take. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** The longest line Fastly sends (guides/integrations/about-fastlys-real-time-log-streaming-features). */
const MAX_LINE_BYTES = 16 * 1024;
const MAX_NAME = 80;
const SYSLOG = /^syslog (\S+) (.+?) :: (.*)$/s;

export interface LogFilesOptions {
  /** Has one folder for each service, with one file for each endpoint. */
  readonly dir: string;
  /** Bytes after which a file is set aside. */
  readonly maxFileBytes?: number;
  /** Hears that a file could not be written; its lines are lost. */
  readonly onFault: (error: unknown) => void;
}

interface Destination {
  readonly path: string;
  format: LogFormat;
  waiting: string[];
  waitingBytes: number;
  writing: Promise<void> | null;
  /** Bytes in the file; `null` until it was looked at. */
  size: number | null;
}

/**
 * The logging endpoints as files: a line `syslog <service> <endpoint> :: text` goes to `<dir>/<service>/<endpoint>.log`
 * when the running version has an endpoint of that name, else nowhere, as on Fastly. Names only ever come from versions
 * that an operator activated, so requests cannot make files.
 */
export class LogFiles {
  readonly #options: LogFilesOptions;
  readonly #destinations = new Map<string, ReadonlyMap<string, Destination>>();

  constructor(options: LogFilesOptions) {
    this.#options = options;
  }

  /** The endpoints of the version of a service that runs from now on. */
  open(serviceId: string, endpoints: readonly LogEndpoint[]): void {
    const before = this.#destinations.get(serviceId);
    const folder = join(this.#options.dir, fileName(serviceId));
    const now = endpoints.map(({ name, format }) => {
      const path = join(folder, `${fileName(name)}.log`);
      const fresh: Destination = { path, format, waiting: [], waitingBytes: 0, writing: null, size: null };
      const destination = before?.get(name) ?? fresh;
      destination.format = format;
      return [name, destination] as const;
    });
    this.#destinations.set(serviceId, new Map(now));
  }

  /** Takes a line of VCL's `log`; what is addressed to no endpoint is not kept. */
  write({ line, at, pop }: LogLine): void {
    const [, serviceId, endpoint = "", text] = SYSLOG.exec(line) ?? [];
    const name = fromByteString(endpoint);
    const destination = this.#destinations.get(serviceId ?? "")?.get(name);
    if (destination === undefined || text === undefined) return;
    const message = text.replace(/[\r\n]/g, " ").slice(0, MAX_LINE_BYTES);
    const row = `${formattedLine(destination.format, message, { at, pop, endpoint: name })}\n`;
    if (destination.waitingBytes + row.length > MAX_WAITING_BYTES) return;
    destination.waiting.push(row);
    destination.waitingBytes += row.length;
    destination.writing ??= this.#drain(destination);
  }

  /** Resolves when every line taken so far is in its file. */
  async flush(): Promise<void> {
    const all = [...this.#destinations.values()].flatMap((map) => [...map.values()]);
    await Promise.all(all.flatMap(({ writing }) => (writing === null ? [] : [writing])));
  }

  async #drain(destination: Destination): Promise<void> {
    try {
      while (destination.waiting.length > 0) {
        const text = destination.waiting.join("");
        destination.waiting = [];
        destination.waitingBytes = 0;
        await this.#append(destination, Buffer.from(text, "latin1"));
      }
    } catch (error) {
      this.#options.onFault(error);
    } finally {
      destination.writing = null;
    }
  }

  async #append(destination: Destination, bytes: Buffer): Promise<void> {
    const { path } = destination;
    await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
    destination.size ??= await sizeOf(path);
    if (destination.size > 0 && destination.size + bytes.length > this.#limit) {
      await setAside(path);
      destination.size = 0;
    }
    await appendFile(path, bytes, { mode: 0o600 });
    destination.size += bytes.length;
  }

  get #limit(): number {
    return this.#options.maxFileBytes ?? MAX_FILE_BYTES;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}

/** `x.log` becomes `x.log.1`, `.1` becomes `.2`, and so on; the last one is overwritten. */
async function setAside(path: string): Promise<void> {
  for (let n = KEPT; n >= 1; n -= 1) {
    const from = n === 1 ? path : `${path}.${n - 1}`;
    try {
      await rename(from, `${path}.${n}`);
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
    }
  }
}

/** A name as a file may have it; two names that would look alike are told apart by their hash. */
function fileName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, MAX_NAME);
  if (plain === name && plain !== "") return plain;
  return `${plain}-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}
