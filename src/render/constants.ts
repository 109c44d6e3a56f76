/**
 * Statuses of `error` inside the service. 600-699 are free for customers of Fastly
 * (reference/http/http-statuses); each has one branch in vcl_error.
 */
export const ERROR_STATUS = {
  unknownHost: 600,
  redirect: 601,
  methodNotAllowed: 602,
  purgeRefused: 603,
  notFound: 604,
  badRequest: 605,
  suspended: 606,
  unusableConfig: 607,
  uriTooLong: 609,
  trouble: 610,
  expired: 611,
  outsideEu: 612,
  unauthorized: 613,
  tooManyGuesses: 614,
  rangeNotSatisfiable: 615,
} as const;

/** The private dictionary: `config_s3_key`, `hosting_s3_key` (each `id:secret`) and `config_segment`. */
export const PRIVATE_DICTIONARY = "sitefleet_private";
