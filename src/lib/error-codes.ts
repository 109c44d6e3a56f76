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
  "deploy/activation-not-seen": {
    kind: "remote",
    exit: 5,
    meaning: "the edge did not answer with the activated version in time; the former one was put back",
  },
  "deploy/changed-meanwhile": {
    kind: "remote",
    exit: 6,
    meaning: "the service's active version is not the one that was planned against",
  },
  "deploy/invalid-plan": {
    kind: "user",
    exit: 2,
    meaning: "a plan file cannot be read or is for something else",
  },
  "deploy/invalid-vcl": {
    kind: "remote",
    exit: 1,
    meaning: "Fastly refused the version as invalid; nothing was activated",
  },
  "deploy/invalid-version": {
    kind: "user",
    exit: 2,
    meaning: "the version to go back to cannot be activated",
  },
  "deploy/no-service": { kind: "user", exit: 2, meaning: "the environment's Fastly service does not exist" },
  "deploy/secret-in-vcl": { kind: "fault", exit: 1, meaning: "rendered VCL contains the value of a secret" },
  "deploy/verification-failed": {
    kind: "remote",
    exit: 5,
    meaning: "the activated version did not pass verification; the former one was put back",
  },
  "fastly/bad-answer": {
    kind: "remote",
    exit: 3,
    meaning: "an answer of the Fastly API is not in its documented form",
  },
  "fastly/conflict": { kind: "remote", exit: 3, meaning: "Fastly has an object of that name already" },
  "fastly/not-found": {
    kind: "remote",
    exit: 3,
    meaning: "Fastly does not know the service, version or object",
  },
  "fastly/rate-limited": {
    kind: "remote",
    exit: 3,
    meaning: "the token's hourly limit of API writes is used up",
  },
  "fastly/refused": { kind: "remote", exit: 3, meaning: "the Fastly API did not accept a call" },
  "fastly/unauthorized": { kind: "remote", exit: 4, meaning: "the Fastly token is wrong or lacks a scope" },
  "fastly/unavailable": { kind: "remote", exit: 3, meaning: "the Fastly API answered with a server error" },
  "fastly/unreachable": { kind: "remote", exit: 3, meaning: "no answer came from the Fastly API" },
  "fault/internal": { kind: "fault", exit: 1, meaning: "a bug in sitefleet" },
  "mirror/already-running": { kind: "user", exit: 1, meaning: "another mirror owns the state folder" },
  "mirror/not-running": {
    kind: "user",
    exit: 3,
    meaning: "environment local was asked for but no mirror runs",
  },
  "mirror/port-in-use": {
    kind: "user",
    exit: 1,
    meaning: "a port of the mirror is taken by another program",
  },
  "mirror/state-unreadable": {
    kind: "user",
    exit: 1,
    meaning: "a file in the mirror's state folder cannot be read",
  },
  "render/template": { kind: "user", exit: 2, meaning: "a template could not be rendered" },
  "settings/invalid": { kind: "user", exit: 2, meaning: "the settings file breaks one or more rules" },
  "settings/missing-secret": {
    kind: "user",
    exit: 4,
    meaning: "an environment variable that holds a secret is not set",
  },
  "settings/not-found": { kind: "user", exit: 2, meaning: "there is no settings file where one is needed" },
  "settings/unknown-environment": {
    kind: "user",
    exit: 2,
    meaning: "the settings have no such server environment",
  },
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;
