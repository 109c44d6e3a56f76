import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A program of this folder in a process of its own, which answers each message with one. */
export class Child {
  readonly #process: ChildProcess;

  /** @param flags of node itself */
  constructor(file: string, args: readonly string[] = [], flags: readonly string[] = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, [...args], { execArgv: [...flags] });
  }

  /** The next message; rejects when the process ends instead. */
  next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`the process of ${this.#process.spawnargs.at(1)} ended with ${code}`));
      this.#process.once("exit", onExit);
      this.#process.once("message", (message) => {
        this.#process.off("exit", onExit);
        resolve(message);
      });
    });
  }

  /** Sends a message and waits for the answer. */
  ask(message: object | string): Promise<unknown> {
    const answer = this.next();
    this.#process.send(message);
    return answer;
  }

  stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#process.once("exit", () => resolve());
      this.#process.kill("SIGKILL");
    });
  }
}
