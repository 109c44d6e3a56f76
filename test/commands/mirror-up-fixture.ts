import { onTestFinished } from "vitest";
import { runCommandLine } from "../../src/commands/run-command-line.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { inputOf } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";

const ANY_PORTS = ["--edge-port", "--edge-tls-port", "--api-port", "--s3-port", "--inspector-port"];

/** A `mirror up` that runs in this process, or has ended instead of coming up. */
export interface MirrorUp {
  readonly isUp: boolean;
  /** What it printed until then. */
  readonly out: string;
  /** Stops it, as the end of the test does too. */
  readonly stop: () => Promise<CommandEnd>;
}

/** Types `mirror up` with free ports; resolves once it is up, or has ended. */
export async function mirrorUp(cwd: string, flags: readonly string[]): Promise<MirrorUp> {
  const stopping = new AbortController();
  const said = { out: "", err: "" };
  let tellUp = (): void => undefined;
  const up = new Promise<boolean>((resolve) => (tellUp = () => resolve(true)));
  const ports = ANY_PORTS.flatMap((flag) => [flag, "0"]);
  const end = runCommandLine(["mirror", "up", ...flags, ...ports], {
    cwd,
    variables: {},
    clock: systemClock,
    pid: process.pid,
    signal: stopping.signal,
    input: inputOf(""),
    out: (text) => {
      said.out += text;
      if (said.out.includes("Ctrl-C stops it")) tellUp();
    },
    err: (text) => void (said.err += text),
  });
  const stop = async (): Promise<CommandEnd> => {
    stopping.abort();
    return { code: await end, ...said };
  };
  onTestFinished(async () => void (await stop()));
  const isUp = await Promise.race([up, end.then(() => false)]);
  return { isUp, out: said.out, stop };
}
