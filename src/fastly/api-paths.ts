import type { FormValue } from "./request-body.ts";

/** One version of one service. */
export interface VersionRef {
  readonly serviceId: string;
  readonly version: number;
}

export interface DictionaryRef {
  readonly serviceId: string;
  readonly dictionaryId: string;
}

export interface AclRef {
  readonly serviceId: string;
  readonly aclId: string;
}

/** Segments of the path of a version, or of something inside it. */
export function versionPath(ref: VersionRef, ...rest: readonly string[]): readonly string[] {
  return ["service", ref.serviceId, "version", String(ref.version), ...rest];
}

/** A PUT on a version, or on something inside it, in the service's queue. */
export function versionCall(
  ref: VersionRef,
  ...rest: readonly string[]
): {
  readonly method: "PUT";
  readonly path: readonly string[];
  readonly queue: string;
  readonly form: Readonly<Record<string, FormValue>>;
} {
  return { method: "PUT", path: versionPath(ref, ...rest), queue: ref.serviceId, form: {} };
}

export function dictionaryPath(ref: DictionaryRef): readonly string[] {
  return ["service", ref.serviceId, "dictionary", ref.dictionaryId];
}

export function entriesPath(ref: AclRef): readonly string[] {
  return ["service", ref.serviceId, "acl", ref.aclId, "entries"];
}
