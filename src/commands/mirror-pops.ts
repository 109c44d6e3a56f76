import { SitefleetError } from "../lib/errors.ts";
import { shieldOfPop } from "../mirror/pops.ts";
import type { PortPair } from "../mirror/edge/listeners.ts";
import type { MirrorOptions } from "../mirror/mirror.ts";
import type { Flags } from "./command.ts";

const CODE = /^[a-z]{3}$/i;
/** Longest that a purge may be held back, milliseconds. */
const MAX_DELAY = 60_000;
const MAX_PORT = 65_535;

/**
 * The POPs of `mirror up`, by its flags.
 * @throws SitefleetError `cli/usage`
 */
export function readPops(flags: Flags): Pick<MirrorOptions, "pops" | "popPorts" | "shield" | "purgeDelay"> {
  const named = flags.text("pops")?.split(",").map(readCode);
  if (named !== undefined && new Set(named).size < named.length) throw usage(`--pops names a POP twice`);
  const firstPort = flags.text("pop-ports");
  const shield = flags.text("shield");
  const delay = flags.text("purge-delay");
  const shieldCode = shield === undefined ? undefined : readShield(shield);
  return {
    ...(named === undefined ? {} : { pops: named }),
    ...(firstPort === undefined ? {} : { popPorts: readPorts(firstPort, named) }),
    ...(shieldCode === undefined ? {} : { shield: shieldCode }),
    ...(delay === undefined ? {} : { purgeDelay: readDelays(delay, named ?? []) }),
  };
}

function readCode(text: string): string {
  if (CODE.test(text)) return text.toUpperCase();
  throw usage(
    `"${text}" in --pops is no POP code`,
    "give codes of three letters with commas between: lhr,iad,syd",
  );
}

/** Two ports for each POP, in the order in which they are named, from the first one on; with 0 any free ones. */
function readPorts(text: string, named: readonly string[] | undefined): ReadonlyMap<string, PortPair> {
  if (named === undefined)
    throw usage("--pop-ports has no POPs to give ports to", "name them: --pops lhr,iad,syd");
  const first = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  const last = first === 0 ? 0 : first + 2 * named.length - 1;
  if (!(last <= MAX_PORT)) {
    throw usage(
      `--pop-ports "${text}" is no port from which on there are ${2 * named.length}`,
      `give 0, or 1 to ${MAX_PORT + 1 - 2 * named.length}`,
    );
  }
  return new Map(
    named.map((pop, i) => [
      pop,
      first === 0 ? { http: 0, https: 0 } : { http: first + 2 * i, https: first + 2 * i + 1 },
    ]),
  );
}

function readShield(text: string): string {
  const code = CODE.test(text) ? shieldOfPop(text.toUpperCase()) : undefined;
  if (code !== undefined) return code;
  throw usage(
    `--shield "${text}" is no POP that the mirror knows as a shield`,
    "give one of GET /datacenters, such as iad",
  );
}

/** `150` for every POP, or `lhr=0,iad=150`: of those that clients reach (`named`), and any that may be a shield. */
function readDelays(text: string, named: readonly string[]): (pop: string) => number {
  const whole = readDelay(text);
  if (whole !== undefined) return () => whole;
  const delays = new Map(
    text.split(",").map((part) => {
      const [code = "", ms = ""] = part.split("=");
      const delay = readDelay(ms);
      if (!CODE.test(code) || delay === undefined) {
        throw usage(
          `"${part}" in --purge-delay is no delay`,
          `give milliseconds up to ${MAX_DELAY}, or lhr=0,iad=150`,
        );
      }
      const pop = code.toUpperCase();
      if (!named.includes(pop) && shieldOfPop(pop) === undefined) {
        throw usage(
          `--purge-delay speaks of ${pop}, which is no POP of this mirror`,
          "name it in --pops, or correct it",
        );
      }
      return [pop, delay];
    }),
  );
  return (pop) => delays.get(pop) ?? 0;
}

function readDelay(text: string): number | undefined {
  const ms = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return ms <= MAX_DELAY ? ms : undefined;
}

function usage(message: string, hint = "name each POP once"): SitefleetError {
  return new SitefleetError("cli/usage", message, { hint });
}
