import type { Clock } from "../../lib/clock.ts";

/** The present second as an HTTP date, as the Date header has it: written once for all who ask within it. */
export function dateOfSecond(clock: Clock): () => string {
  let second = -1;
  let text = "";
  return () => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}
