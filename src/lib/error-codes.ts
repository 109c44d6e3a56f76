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
  "compute/not-built": {
    kind: "user",
    exit: 2,
    meaning: "the package of the Compute app has not been built",
  },
  "compute/other-target": {
    kind: "user",
    exit: 2,
    meaning: "the settings want another target than the service has, and a service keeps its type",
  },
  "compute/settings-too-long": {
    kind: "user",
    exit: 2,
    meaning: "the app's settings are longer than a Config Store's item may be",
  },
  "compute/store-taken": {
    kind: "user",
    exit: 2,
    meaning: "a store of the wanted name is another service's",
  },
  "compute/vcl-only": {
    kind: "user",
    exit: 2,
    meaning: "the command is about VCL, and a Compute service has none",
  },
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
  "deploy/domain-taken": {
    kind: "user",
    exit: 2,
    meaning: "another service or customer has a domain of the settings at Fastly",
  },
  "deploy/drift": {
    kind: "remote",
    exit: 6,
    meaning: "the service was changed by hand since the last deploy",
  },
  "deploy/edge-key-refused": {
    kind: "user",
    exit: 4,
    meaning: "S3 refuses the key that the edge is to read the buckets with; nothing was written",
  },
  "deploy/invalid-package": {
    kind: "user",
    exit: 2,
    meaning: "a file is not a package of a Compute app",
  },
  "deploy/invalid-plan": {
    kind: "user",
    exit: 2,
    meaning: "a plan file cannot be read or is for something else",
  },
  "deploy/invalid-service": {
    kind: "remote",
    exit: 1,
    meaning: "Fastly refused the version of a Compute service as invalid; nothing was activated",
  },
  "deploy/invalid-vcl": {
    kind: "remote",
    exit: 1,
    meaning: "Fastly refused the VCL of a version as invalid; nothing was activated",
  },
  "deploy/invalid-version": {
    kind: "user",
    exit: 2,
    meaning: "the version to go back to cannot be activated",
  },
  "deploy/lint-failed": {
    kind: "user",
    exit: 1,
    meaning: "the rendered VCL has errors that our own checker finds",
  },
  "deploy/no-service": { kind: "user", exit: 2, meaning: "the environment's Fastly service does not exist" },
  "deploy/not-alike": {
    kind: "user",
    exit: 1,
    meaning: "stages differ in something that no setting says; none was touched",
  },
  "deploy/other-secrets": {
    kind: "user",
    exit: 2,
    meaning: "the secrets set here are not those that the live version has; nothing was activated",
  },
  "deploy/secret-in-vcl": { kind: "fault", exit: 1, meaning: "rendered VCL contains the value of a secret" },
  "deploy/verification-failed": {
    kind: "remote",
    exit: 5,
    meaning: "the activated version did not pass verification; the former one was put back",
  },
  "domain/invalid-name": { kind: "user", exit: 2, meaning: "a domain name is not one that can be served" },
  "domain/not-found": {
    kind: "user",
    exit: 2,
    meaning: "the domain belongs to no site, or not to the one named",
  },
  "domain/preview-host": {
    kind: "user",
    exit: 2,
    meaning: "the host is that of a preview, which no domain command changes",
  },
  "domain/taken": { kind: "user", exit: 2, meaning: "the domain belongs to another site" },
  "domain/wrong-environment": {
    kind: "user",
    exit: 2,
    meaning: "the host belongs to another website environment",
  },
  "domain/wrong-target": {
    kind: "user",
    exit: 2,
    meaning: "the canonical host of an alias is not a primary domain of the same site",
  },
  "explain/invalid-request": {
    kind: "user",
    exit: 2,
    meaning: "the request to explain is not one that an edge would take",
  },
  "explain/no-inspector": {
    kind: "user",
    exit: 2,
    meaning: "there is no mirror with an inspector to ask",
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
  "hook/already-running": {
    kind: "user",
    exit: 1,
    meaning: "another `hook serve` works on the state folder for this environment",
  },
  "hook/bad-request": {
    kind: "user",
    exit: 2,
    meaning: "a webhook's request is not one that the endpoint knows",
  },
  "hook/body-too-large": {
    kind: "user",
    exit: 2,
    meaning: "the body of a webhook's request is larger than the endpoint takes",
  },
  "hook/busy": {
    kind: "remote",
    exit: 3,
    meaning: "the endpoint has as much to do as it takes, or is stopping",
  },
  "hook/interrupted": { kind: "remote", exit: 3, meaning: "the endpoint died too often while it ran a job" },
  "hook/invalid-archive": {
    kind: "user",
    exit: 2,
    meaning: "a tarball or a prefix of the bucket holds something that cannot become a folder",
  },
  "hook/invalid-secret": {
    kind: "user",
    exit: 4,
    meaning: "the variable with the secrets of webhooks has another form than it must have",
  },
  "hook/job-not-found": { kind: "user", exit: 2, meaning: "there is no such job, or it ended too long ago" },
  "hook/port-in-use": {
    kind: "user",
    exit: 1,
    meaning: "the endpoint's port is taken by another program or may not be opened",
  },
  "hook/rate-limited": { kind: "remote", exit: 3, meaning: "a key has made more requests than it may" },
  "hook/state-damaged": {
    kind: "user",
    exit: 1,
    meaning: "a file of the endpoint in the state folder cannot be read",
  },
  "hook/too-slow": { kind: "remote", exit: 3, meaning: "the body of a request came too slowly" },
  "hook/unauthorized": {
    kind: "user",
    exit: 4,
    meaning: "the signature of a webhook's request is missing, wrong, too old or was used before",
  },
  "hook/unsupported-type": {
    kind: "user",
    exit: 2,
    meaning: "the body of a request is of a type that its route does not take",
  },
  "hook/wrong-digest": {
    kind: "user",
    exit: 2,
    meaning: "the body of a request is not the one whose digest was signed",
  },
  "mirror/already-running": { kind: "user", exit: 1, meaning: "another mirror owns the state folder" },
  "mirror/invalid-policy": {
    kind: "user",
    exit: 2,
    meaning: "a policy for a key of the mirror is not one that the mirror understands",
  },
  "mirror/not-running": {
    kind: "user",
    exit: 3,
    meaning: "environment local was asked for but no mirror runs",
  },
  "mirror/port-in-use": {
    kind: "user",
    exit: 1,
    meaning: "a port of the mirror is taken by another program or may not be opened",
  },
  "mirror/purge-refused": {
    kind: "remote",
    exit: 3,
    meaning: "the service's own VCL does not allow this purge by URL",
  },
  "mirror/s3-damaged": {
    kind: "user",
    exit: 1,
    meaning: "the S3 store of the mirror cannot be read or written as it should",
  },
  "mirror/state-unreadable": {
    kind: "user",
    exit: 1,
    meaning: "a file in the mirror's state folder cannot be read",
  },
  "output/not-writable": { kind: "user", exit: 2, meaning: "a file that a flag names cannot be written" },
  "preview/not-enabled": {
    kind: "user",
    exit: 2,
    meaning: "the environment's settings name no domain for previews",
  },
  "preview/not-found": { kind: "user", exit: 2, meaning: "the site has no preview of that name" },
  "publish/file-changed": { kind: "user", exit: 1, meaning: "a file changed while it was being published" },
  "publish/invalid-batch": {
    kind: "user",
    exit: 2,
    meaning: "the file of a batch has lines that cannot be used",
  },
  "publish/invalid-folder": {
    kind: "user",
    exit: 2,
    meaning: "the folder holds something that cannot be published",
  },
  "publish/invalid-rules": {
    kind: "user",
    exit: 2,
    meaning: "a line of `_headers`, `netlify.toml` or `vercel.json` is wrong or not supported",
  },
  "publish/not-verified": {
    kind: "remote",
    exit: 5,
    meaning: "the edge did not answer with the published release in time",
  },
  "publish/over-budget": {
    kind: "user",
    exit: 2,
    meaning: "the site would bring the edge to one of its limits",
  },
  "publish/shared-files": {
    kind: "user",
    exit: 2,
    meaning: "a release that is to be overwritten in place shares files with a preview",
  },
  "redirects/invalid": {
    kind: "user",
    exit: 2,
    meaning: "one or more redirect rules are wrong, loop or are not supported",
  },
  "release/exhausted": { kind: "user", exit: 1, meaning: "the site has used up its release ids" },
  "release/incomplete": {
    kind: "user",
    exit: 1,
    meaning: "objects of the release were overwritten by an in-place publish",
  },
  "release/no-receipt": {
    kind: "user",
    exit: 2,
    meaning: "the release was not verified when it was published",
  },
  "release/not-found": { kind: "user", exit: 2, meaning: "the site has no such release" },
  "render/override": {
    kind: "user",
    exit: 2,
    meaning: "something in the team's folder of templates and snippets is wrong",
  },
  "render/template": { kind: "user", exit: 2, meaning: "a template could not be rendered" },
  "replay/invalid-requests": {
    kind: "user",
    exit: 2,
    meaning: "the requests to replay cannot be read",
  },
  "replay/invalid-vcl": {
    kind: "user",
    exit: 1,
    meaning: "the VCL of one side of a replay is not one that the engine here can run",
  },
  "settings/invalid": { kind: "user", exit: 2, meaning: "the settings file breaks one or more rules" },
  "settings/invalid-ca": {
    kind: "user",
    exit: 2,
    meaning: "the file of `verify.ca` or `--ca` is not there or holds no certificate",
  },
  "settings/invalid-secret": {
    kind: "user",
    exit: 4,
    meaning: "an environment variable holds a secret of another form than the edge can read",
  },
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
  "setup/bucket-taken": {
    kind: "user",
    exit: 2,
    meaning: "the name of a bucket belongs to another account",
  },
  "setup/file-exists": { kind: "user", exit: 2, meaning: "a settings file would be overwritten" },
  "setup/invalid-answer": {
    kind: "user",
    exit: 2,
    meaning: "what `init` was told cannot be a setting",
  },
  "setup/missing-answers": {
    kind: "user",
    exit: 2,
    meaning: "`init` lacks a flag, and nobody is there to be asked",
  },
  "setup/wrong-region": {
    kind: "user",
    exit: 2,
    meaning: "a bucket is in another region than the settings say",
  },
  "site/changed-meanwhile": {
    kind: "remote",
    exit: 6,
    meaning: "someone else changed the site while the command ran",
  },
  "site/clock-skew": {
    kind: "user",
    exit: 1,
    meaning: "this machine's clock is too far from the store's to tell what is old enough to be deleted",
  },
  "site/config-too-large": {
    kind: "user",
    exit: 2,
    meaning: "a domain's config does not fit in S3's metadata limit",
  },
  "site/deleting": { kind: "user", exit: 1, meaning: "the site is being deleted" },
  "site/invalid-name": { kind: "user", exit: 2, meaning: "a site uid breaks its alphabet or length" },
  "site/invalid-password": {
    kind: "user",
    exit: 2,
    meaning: "a password is too short, too long or has characters that cannot be sent",
  },
  "site/invalid-setting": {
    kind: "user",
    exit: 2,
    meaning: "a choice for a site or domain is not one of those that exist",
  },
  "site/not-found": { kind: "user", exit: 2, meaning: "there is no such site" },
  "site/not-protected": { kind: "user", exit: 2, meaning: "the site or path asks for no password" },
  "site/unreadable": {
    kind: "remote",
    exit: 3,
    meaning: "a stored record, config or manifest cannot be read by this version",
  },
  "store/no-bucket": { kind: "remote", exit: 3, meaning: "the bucket does not exist" },
  "store/not-authorised": {
    kind: "remote",
    exit: 4,
    meaning: "the store refused the keys or lacks a permission for them",
  },
  "store/refused": { kind: "remote", exit: 3, meaning: "the store answered with an error" },
  "store/unreachable": { kind: "remote", exit: 3, meaning: "the store cannot be reached" },
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;
