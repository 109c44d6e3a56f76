/** One of AWS's separate worlds: accounts, names and endpoints of one mean nothing in another. */
export interface AwsPartition {
  /** Second part of an ARN. */
  readonly arn: string;
  /** End of its endpoints' host names. */
  readonly dnsSuffix: string;
}

const COMMERCIAL: AwsPartition = { arn: "aws", dnsSuffix: "amazonaws.com" };

/** By the beginning of their regions' names (AWS general reference, "Amazon Resource Names" and "Service endpoints"). */
const OTHERS: readonly (readonly [start: string, partition: AwsPartition])[] = [
  ["cn-", { arn: "aws-cn", dnsSuffix: "amazonaws.com.cn" }],
  ["us-gov-", { arn: "aws-us-gov", dnsSuffix: "amazonaws.com" }],
  ["eusc-", { arn: "aws-eusc", dnsSuffix: "amazonaws.eu" }],
  ["us-iso-", { arn: "aws-iso", dnsSuffix: "c2s.ic.gov" }],
  ["us-isob-", { arn: "aws-iso-b", dnsSuffix: "sc2s.sgov.gov" }],
  ["us-isof-", { arn: "aws-iso-f", dnsSuffix: "csp.hci.ic.gov" }],
  ["eu-isoe-", { arn: "aws-iso-e", dnsSuffix: "cloud.adc-e.uk" }],
];

/** The partition that a region is in. */
export function partitionOf(region: string): AwsPartition {
  return OTHERS.find(([start]) => region.startsWith(start))?.[1] ?? COMMERCIAL;
}
