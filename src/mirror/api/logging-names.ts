import { LOGGING_KINDS as NAMES } from "../../lib/fastly-names.ts";

/** Every kind of logging endpoint, by the last segment of its path. */
export const LOGGING_NAMES = NAMES;

export type LoggingName = (typeof LOGGING_NAMES)[number];

/** The kind under which a version keeps such endpoints: its path below the version. */
export type LoggingKind = `logging/${LoggingName}`;

export const LOGGING_KINDS: readonly LoggingKind[] = LOGGING_NAMES.map((name) => `logging/${name}` as const);
