import { VCL_SUBROUTINES } from "../lib/fastly-names.ts";
import type { VclState } from "./runtime.ts";

/** Every state in the order of a request's life (reference/vcl/subroutines). */
export const VCL_STATES: readonly VclState[] = VCL_SUBROUTINES;

/** The state a word names (`recv`), or `undefined`. */
export function stateOfWord(word: string): VclState | undefined {
  return VCL_STATES.find((state) => state === word);
}

/** The state whose subroutine this is (`vcl_recv`), or `undefined` for any other name. */
export function stateOfSub(name: string): VclState | undefined {
  return name.startsWith("vcl_") ? stateOfWord(name.slice(4)) : undefined;
}
