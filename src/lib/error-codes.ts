/** Who has to act: `user` fixes input, `remote` means Fastly, S3 or DNS said no, `fault` is a bug of ours. */
export type ErrorKind = "user" | "remote" | "fault";

/** What a code means, its kind, and the process's exit code (1 failed, 2 wrong use or input, 3 remote, 4 not authorised, 5 verification, 6 changed meanwhile). */
export interface ErrorCodeRow {
  readonly kind: ErrorKind;
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6;
  readonly meaning: string;
}

/** Every stable error code; `docs/errors.md` has a section for each and a test holds the two lists together. */
export const ERROR_CODES = {
  "cli/usage": { kind: "user", exit: 2, meaning: "the command line is not one the program knows" },
  "fault/internal": { kind: "fault", exit: 1, meaning: "a bug in sitefleet" },
  "mirror/already-running": { kind: "user", exit: 1, meaning: "another mirror owns the state folder" },
  "mirror/not-running": { kind: "user", exit: 3, meaning: "environment local was asked for but no mirror runs" },
  "mirror/port-in-use": { kind: "user", exit: 1, meaning: "a port of the mirror is taken by another program" },
  "settings/invalid": { kind: "user", exit: 2, meaning: "the settings file breaks one or more rules" },
  "settings/missing-secret": { kind: "user", exit: 4, meaning: "an environment variable that holds a secret is not set" },
  "settings/not-found": { kind: "user", exit: 2, meaning: "there is no settings file where one is needed" },
  "settings/unknown-environment": { kind: "user", exit: 2, meaning: "the settings have no such server environment" },
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;
