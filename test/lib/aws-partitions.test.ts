import { describe, expect, it } from "vitest";
import { partitionOf } from "../../src/lib/aws-partitions.ts";
import { originsOf } from "../../src/render/origins.ts";
import { endpointOf } from "../../src/store/s3-endpoint.ts";
import { exampleEnvironment } from "../support/environments.ts";

describe("AWS's partitions", () => {
  it.each([
    ["us-east-1", "aws", "amazonaws.com"],
    ["cn-north-1", "aws-cn", "amazonaws.com.cn"],
    ["us-gov-west-1", "aws-us-gov", "amazonaws.com"],
    ["eusc-de-east-1", "aws-eusc", "amazonaws.eu"],
    ["us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"],
  ])("has %s in %s, and the edge asks where publishing writes", (region, arn, dnsSuffix) => {
    expect(partitionOf(region)).toEqual({ arn, dnsSuffix });
    const environment = exampleEnvironment("test");
    const { endpoint: _, second: __, ...s3 } = environment.s3;
    const [origin] = originsOf({
      ...environment,
      s3: { ...s3, region, pathStyle: false, second: undefined },
    });
    expect(origin?.hostname.endsWith(`.${endpointOf({ region, endpoint: undefined }).hostname}`)).toBe(true);
    expect(origin?.hostname.endsWith(`.s3.${region}.${dnsSuffix}`)).toBe(true);
  });
});
