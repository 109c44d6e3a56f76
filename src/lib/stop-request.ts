import { Interruption } from "./interruption.ts";

/** Asks a run to stop, in the ways that a process is asked. */
export interface StopRequest {
  /** Aborts at the first request, with an `Interruption`. */
  readonly signal: AbortSignal;
  /** Ctrl-C, or a polite kill: the first asks to end in order, a second one ends at once. */
  readonly interrupt: () => void;
  /**
   * The terminal was closed, or who read the output is gone: asks to end in order, however often. A closing terminal sends
   * SIGHUP from the kernel and from the shell, and nobody has asked for a second thing then.
   */
  readonly hangUp: () => void;
}

/** @param around `leave` is told what is left to say, if anything is, and ends the process. */
export function createStopRequest(around: {
  readonly leave: (lastWords: string | undefined) => void;
}): StopRequest {
  const controller = new AbortController();
  const interruption = new Interruption();
  return {
    signal: controller.signal,
    interrupt() {
      if (controller.signal.aborted) around.leave(interruption.lastWords);
      else controller.abort(interruption);
    },
    hangUp() {
      if (!controller.signal.aborted) controller.abort(interruption);
    },
  };
}
