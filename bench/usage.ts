/** What a process has taken so far. */
export interface Usage {
  /** Microseconds of processor time, which a busy machine stretches less than the clock. */
  readonly cpuMicros: number;
  readonly rssMb: number;
  /** The most it ever had. */
  readonly peakRssMb: number;
}

export function readUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    cpuMicros: user + system,
    rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}
