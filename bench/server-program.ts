import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly port: number;
  /** How long it may take to accept connections; default 20 s. */
  readonly startMs?: number;
}

const START_MS = 20_000;
const TICKS_PER_SECOND = 100;

/** Somebody else's server, running on a port of this machine until `stop`. */
export class ServerProgram {
  readonly port: number;
  readonly #process: ChildProcess;
  #said = "";

  private constructor(command: ServerCommand) {
    this.port = command.port;
    this.#process = spawn(command.program, [...command.args], {
      cwd: command.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const hear = (chunk: Buffer): void => void (this.#said = (this.#said + chunk.toString()).slice(-4_000));
    this.#process.stdout?.on("data", hear);
    this.#process.stderr?.on("data", hear);
    this.#process.on("error", (error) => (this.#said += error.message));
  }

  /** Resolves when it accepts connections; rejects with what it said when it does not come to that. */
  static async start(command: ServerCommand): Promise<ServerProgram> {
    const server = new ServerProgram(command);
    const deadline = performance.now() + (command.startMs ?? START_MS);
    while (!(await accepts(command.port))) {
      if (server.#ended || performance.now() > deadline) {
        await server.stop();
        throw new Error(`${command.program} did not start: ${server.#said}`);
      }
      await sleep(50);
    }
    return server;
  }

  get #ended(): boolean {
    const { exitCode, signalCode, pid } = this.#process;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  /** Processor time of the program and of the processes it started; `undefined` where the system does not tell. */
  cpuMicros(): number | undefined {
    const { pid } = this.#process;
    if (pid === undefined || process.platform !== "linux") return undefined;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return [String(pid), ...children].reduce((sum, id) => sum + ticksOf(id), 0) * (1e6 / TICKS_PER_SECOND);
  }

  async stop(): Promise<void> {
    if (this.#ended) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }
}

/** User and system time: what follows the name in brackets begins with the third field. */
function ticksOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
